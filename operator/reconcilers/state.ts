import { childName } from '../api/child-name.ts';
import type { LeverMemory } from '../levers/run.ts';
import { managers } from '../levers/apply-owned.ts';
import type { GenerationService } from '../api/generation-service.ts';
import type { Kube } from '../kube/client.ts';
import type { Collection } from '../kube/collection.ts';
import { keyOf, ownerReference, type Key, type KubeObject } from '../kube/object.ts';
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
  readonly resourceVersion: string;
  readonly serviceName: string;
  /** The owning service's uid: a state left behind by an earlier service of that name is not this one's. */
  readonly service: string;
  readonly state: ServiceState;
}

const stateName = (service: string): string => childName(service, 'genops-state');

/** @throws {SyntaxError} never: what somebody has broken by hand is as if it were not there, and is written anew with the next change. */
export function projectState({ metadata, data }: ConfigMap): StateView {
  const { namespace = '', resourceVersion, ownerReferences } = metadata;
  const owner = ownerReferences?.[0];
  return {
    namespace,
    resourceVersion,
    serviceName: owner?.name ?? '',
    service: owner?.uid ?? '',
    state: parsed(data?.[dataKey]),
  };
}

function parsed(text: string | undefined): ServiceState {
  try {
    const state = JSON.parse(text ?? 'null') as Partial<ServiceState> | null;
    return state?.version === 1 && typeof state.levers === 'object' ? { version: 1, levers: state.levers } : empty;
  } catch {
    return empty;
  }
}

/** The state of every service: read from the watch cache, or from what was just written until the watch brings it. */
export interface States {
  /** Of this very service; what an earlier one of the same name left behind is not its own. */
  of(service: GenerationService): ServiceState;
  /**
   * Returns once the API server has it. It is refused when somebody else has written since it was read: an original that was saved must never be lost to an older memory.
   *
   * @throws {ApiError} 409
   */
  write(service: GenerationService & KubeObject, state: ServiceState, signal: AbortSignal): Promise<void>;
}

type Written = Pick<StateView, 'state' | 'service' | 'resourceVersion'>;

/** Every server that a service has settings on, for the index `server`. */
export const serversOf = ({ state }: StateView): readonly string[] =>
  Object.values(state.levers).flatMap(({ serverRun }) => (serverRun === undefined ? [] : [serverRun]));

export function createStates(kube: Kube, collection: Collection<StateView>): States {
  const pending = new Map<Key, Written>();
  const newest = (service: GenerationService): Written | undefined => {
    const key = stateKey(service);
    const written = pending.get(key);
    if (written !== undefined && !collection.hasSeen(key, written.resourceVersion)) return written;
    pending.delete(key);
    return collection.get(key);
  };
  return {
    of(service) {
      const found = newest(service);
      return found?.service === service.metadata.uid ? found.state : empty;
    },
    async write(service, state, signal) {
      const { name, namespace, uid } = service.metadata;
      const resourceVersion = newest(service)?.resourceVersion;
      const manifest = {
        metadata: {
          namespace,
          name: stateName(name),
          labels: { [stateLabel]: 'true', 'app.kubernetes.io/managed-by': 'genops' },
          ownerReferences: [ownerReference(service, { controller: true })],
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        },
        data: { [dataKey]: JSON.stringify(state) },
      };
      const answer =
        resourceVersion === undefined
          ? await kube.create(configMaps, manifest, { manager: managers.declared }, signal)
          : await kube.update(configMaps, manifest, { manager: managers.declared }, signal);
      pending.set(stateKey(service), { state, service: uid, resourceVersion: answer.resourceVersion });
    },
  };
}

const stateKey = ({ metadata: { namespace, name } }: GenerationService): Key =>
  keyOf({ metadata: { namespace, name: stateName(name) } });
