import { childName } from '../api/child-name.ts';
import type { LeverMemory } from '../levers/run.ts';
import { managers } from '../levers/apply-owned.ts';
import type { Kube } from '../kube/client.ts';
import { ownerReference, type KubeObject } from '../kube/object.ts';
import { configMaps, type ConfigMap } from './kinds.ts';

/** Label by which the state ConfigMaps, and no others, are watched. */
export const stateLabel = 'genops.dev/state';
const dataKey = 'state.json';

/** What must survive a restart of the operator. Written before an action with what is about to be done, after it with what became of it. */
export interface ServiceState {
  readonly version: 1;
  readonly levers: LeverMemory;
}
const empty: ServiceState = { version: 1, levers: {} };

/** What the watch cache keeps of a state ConfigMap. */
export interface StateView {
  readonly namespace: string;
  readonly name: string;
  /** The owning service's uid: a state left behind by an earlier service of that name is not this one's. */
  readonly service: string | undefined;
  readonly state: ServiceState;
}

export const stateName = (service: string): string => childName(service, 'genops-state');

/** @throws {SyntaxError} never: what somebody has broken by hand is as if it were not there, and is written anew with the next change. */
export function projectState({ metadata, data }: ConfigMap): StateView {
  const { namespace = '', name, ownerReferences } = metadata;
  return { namespace, name, service: ownerReferences?.[0]?.uid, state: parsed(data?.[dataKey]) };
}

function parsed(text: string | undefined): ServiceState {
  try {
    const state = JSON.parse(text ?? 'null') as Partial<ServiceState> | null;
    return state?.version === 1 && typeof state.levers === 'object' ? { version: 1, levers: state.levers } : empty;
  } catch {
    return empty;
  }
}

/** Returns once the API server has it. */
export async function writeState(
  kube: Kube,
  service: KubeObject,
  state: ServiceState,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = service.metadata;
  const manifest = {
    metadata: {
      namespace,
      name: stateName(name),
      labels: { [stateLabel]: 'true', 'app.kubernetes.io/managed-by': 'genops' },
      ownerReferences: [ownerReference(service, { controller: true })],
    },
    data: { [dataKey]: JSON.stringify(state) },
  };
  await kube.apply(configMaps, manifest, { manager: managers.declared, force: true }, signal);
}
