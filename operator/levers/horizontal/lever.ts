import { childName } from '../../api/child-name.ts';
import type { Resolved } from '../../decide/resolve.ts';
import type { Kube } from '../../kube/client.ts';
import type { Collection } from '../../kube/collection.ts';
import { ownerReference } from '../../kube/object.ts';
import { apiVersionOf } from '../../kube/resource.ts';
import type { OwnWrites } from '../../kube/own-writes.ts';
import { applyOwned, managers } from '../apply-owned.ts';
import { isAdopted, unitMode, type Lever, type Outcome } from '../lever.ts';
import { applyFloor } from './floor.ts';
import { horizontalPodAutoscalers, hpaName, targetKey, type HpaSpec, type HpaView } from './hpa.ts';
import { plan, restore, type HorizontalChange, type HorizontalObserved, type HorizontalUnit } from './plan.ts';

export interface HorizontalDeps {
  readonly kube: Kube;
  /** With the index `target`, see `targetKey`. */
  readonly hpas: Collection<HpaView>;
  /** Of specs, to that collection. */
  readonly hpaWrites: OwnWrites<HpaSpec>;
}

/** One HorizontalPodAutoscaler for each component. The floor (minReplicas) is set here when it is made; then the scaler moves it, and this sends back what it finds. */
export function horizontal({
  kube,
  hpas,
  hpaWrites,
}: HorizontalDeps): Lever<HorizontalUnit, HorizontalObserved, HorizontalChange> {
  return {
    name: 'horizontal',
    condition: 'HorizontalApplied',
    units,
    observe: (unit) => Promise.resolve({ hpas: hpas.by('target', targetKey(unit.namespace, unit.targetRef)) }),
    plan,
    restore,
    apply: (change, unit, signal) => apply(change, unit, { kube, hpaWrites }, signal),
  };
}

function units({ service, mode, components }: Resolved): readonly HorizontalUnit[] {
  const { name, namespace } = service.metadata;
  return components.map(({ spec, policy, target, podsMetrics }) => ({
    name: spec.name,
    // FloorOnly and Off are planned too: a floor that was lent goes back when it is asked for no more.
    mode: unitMode(mode, policy.horizontal.mode === 'DryRun' ? 'DryRun' : 'Enforce'),
    namespace,
    hpaName: hpaName(name, spec.name),
    owner: ownerReference(service, { controller: true }),
    targetRef: spec.targetRef,
    policy: policy.horizontal,
    podsMetrics,
    adopt: isAdopted(service, 'hpa'),
    replicas: target.replicas,
  }));
}

async function apply(
  change: HorizontalChange,
  { namespace, owner }: HorizontalUnit,
  { kube, hpaWrites }: Pick<HorizontalDeps, 'kube' | 'hpaWrites'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const key = `${namespace}/${change.name}`;
  if (change.kind === 'floor') {
    await applyFloor(kube, { ...change, force: true }, signal);
    return { result: 'applied' };
  }
  if (change.kind === 'replaceSpec') {
    const operations = [
      { op: 'test', path: '/metadata/uid', value: change.uid },
      { op: 'replace', path: '/spec', value: change.spec },
    ] as const;
    await kube.patch(horizontalPodAutoscalers, key, operations, { manager: managers.declared }, signal);
    return { result: 'applied' };
  }
  const manifest = {
    apiVersion: apiVersionOf(horizontalPodAutoscalers),
    kind: horizontalPodAutoscalers.kind,
    metadata: {
      namespace,
      name: change.name,
      labels: { 'app.kubernetes.io/managed-by': 'genops', 'genops.dev/service': childName(owner.name) },
      ...(change.owner === undefined ? {} : { ownerReferences: [change.owner] }),
    },
    spec: change.spec,
  };
  if (hpaWrites.covers(key, change.spec)) return { result: 'nothing' };
  const options = { manager: managers.declared, force: change.force };
  hpaWrites.begin(key, change.spec);
  try {
    hpaWrites.end(key, await applyOwned(kube, horizontalPodAutoscalers, manifest, options, signal));
  } catch (error) {
    hpaWrites.forget(key);
    throw error;
  }
  return { result: 'applied' };
}
