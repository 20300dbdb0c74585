import { annotations } from '../../api/annotations.ts';
import { childName } from '../../api/child-name.ts';
import type { Resolved } from '../../decide/resolve.ts';
import { steering, type Steering } from '../../decide/steering.ts';
import type { Kube } from '../../kube/client.ts';
import type { Collection } from '../../kube/collection.ts';
import { ownerReference } from '../../kube/object.ts';
import { apiVersionOf } from '../../kube/resource.ts';
import type { OwnWrites } from '../../kube/own-writes.ts';
import { stateOf, type PodView } from '../../metrics/pod-view.ts';
import { isAdopted } from '../adoption.ts';
import { applyOwned, managers } from '../apply-owned.ts';
import { unitMode, type Lever, type LeverMode, type Outcome } from '../lever.ts';
import { applyFloor, withKeptFloor, withOwnFloor } from './floor.ts';
import { release } from './hold.ts';
import { horizontalPodAutoscalers, hpaName, targetKey, type HpaSpec, type HpaView } from './hpa.ts';
import { orphansOf, planDeletion, type OrphanUnit } from './orphan.ts';
import { plan, restore, type HorizontalChange, type HorizontalObserved, type HorizontalUnit } from './plan.ts';

export interface HorizontalDeps {
  readonly kube: Kube;
  /** With the indexes `target`, see `targetKey`, and `controller`. */
  readonly hpas: Collection<HpaView>;
  /** Of specs, to that collection. */
  readonly hpaWrites: OwnWrites<HpaSpec>;
  /** Of floors, the scaler's among them. */
  readonly floorWrites: OwnWrites<number>;
  /** The Pods of a component, as they were last seen. */
  readonly podsOf: (of: Pick<HorizontalUnit, 'namespace' | 'selector'>) => readonly PodView[];
}

/** What plans without a cluster. */
export const horizontalPlanner = {
  name: 'horizontal',
  condition: 'HorizontalApplied',
  plan: ({ unit, ...input }) => (isOrphan(unit) ? planDeletion(unit) : plan({ unit, ...input })),
  restore: ({ unit, ...input }) => (isOrphan(unit) ? planDeletion(unit) : restore({ unit, ...input })),
  release: ({ unit, ...input }) => (isOrphan(unit) ? planDeletion(unit) : release({ unit, ...input })),
} satisfies Pick<
  Lever<HorizontalUnit | OrphanUnit, HorizontalObserved, HorizontalChange>,
  'name' | 'condition' | 'plan' | 'restore' | 'release'
>;

/** One HorizontalPodAutoscaler for each component. The floor (minReplicas) is set here when it is made, as it last was; then the scaler moves it, and this sends back what it finds. */
export function horizontal({
  kube,
  hpas,
  hpaWrites,
  floorWrites,
  podsOf,
}: HorizontalDeps): Lever<HorizontalUnit | OrphanUnit, HorizontalObserved, HorizontalChange> {
  return {
    ...horizontalPlanner,
    units: (resolved) => [...units(resolved), ...orphans(resolved, hpas)],
    async observe(unit, signal, memory) {
      if (isOrphan(unit)) return { hpas: [] };
      const lent = unit.policy.mode === 'FloorOnly' ? undefined : memory?.originals?.['floorOf'];
      const found = hpas
        .by('target', targetKey(unit.namespace, unit.targetRef))
        .map((hpa) => withOwnFloor(hpa, floorWrites))
        .map(async (hpa) => (hpa.uid === lent ? withKeptFloor(hpa, kube, signal) : hpa));
      const pods = podsOf(unit).filter((pod) => !pod.deleting && stateOf(pod) !== 'Finished');
      const isResizing = pods.some(({ resize }) => resize !== undefined);
      return { hpas: await Promise.all(found), isResizing, pods };
    },
    apply: (change, unit, signal) => apply(change, unit, { kube, hpaWrites, floorWrites }, signal),
  };
}

function units({ service, mode, components, replicaBounds }: Resolved): readonly HorizontalUnit[] {
  const { name, namespace } = service.metadata;
  return components.map(({ spec, policy, target, podsMetrics, vpa }) => ({
    name: spec.name,
    // FloorOnly and Off are planned too: a floor that was lent goes back when it is asked for no more.
    mode: unitMode(mode, policy.horizontal.mode === 'DryRun' ? 'DryRun' : 'Enforce'),
    namespace,
    hpaName: hpaName(name, spec.name),
    owner: ownerReference(service, { controller: true }),
    targetRef: spec.targetRef,
    selector: target.selector,
    policy: policy.horizontal,
    podsMetrics,
    ...beside(steering({ policy, podsMetrics, vpa })),
    adopt: isAdopted(service, 'hpa'),
    adoptWords: service.metadata.annotations?.[annotations.adopt],
    replicas: target.replicas,
    replicaBound: replicaBounds?.atMost.get(spec.name),
    ...(replicaBounds?.isWhole === false ? { holdsReplicas: true } : {}),
    ...lastWordsOf(service, spec.name),
  }));
}

/** What a VPA on the same workload leaves to the HPA. */
const beside = ({ taken, both, isRefused }: Steering): Pick<HorizontalUnit, 'taken' | 'refused'> => ({
  ...(taken.length === 0 ? {} : { taken }),
  ...(isRefused ? { refused: both } : {}),
});

/** What status says of its replicas. */
function lastWordsOf({ status }: Resolved['service'], component: string) {
  const { decision, replicas } = status?.components?.find(({ name }) => name === component) ?? {};
  return { lastFloor: decision?.to, lastBoundBy: replicas?.boundBy };
}

/** No component is there to say how its HPA is to be handled: the service's own policy does. */
function orphans({ service, mode, policy, claimed }: Resolved, hpas: HorizontalDeps['hpas']): readonly OrphanUnit[] {
  const { name, namespace, uid } = service.metadata;
  const components = service.spec.components
    .filter((component) => !claimed.includes(component.name)) // its HPA would stand in the way of whoever has the target
    .map(({ name: component, targetRef }) => ({ hpaName: hpaName(name, component), targetRef }));
  const own: LeverMode = policy.horizontal.mode === 'FloorOnly' ? 'Enforce' : policy.horizontal.mode;
  return orphansOf(hpas.by('controller', uid), components).map((orphan) => ({
    name: orphan.name,
    mode: unitMode(mode, own),
    namespace,
    owner: ownerReference(service, { controller: true }),
    orphan,
  }));
}

const isOrphan = (unit: HorizontalUnit | OrphanUnit): unit is OrphanUnit => 'orphan' in unit;

async function apply(
  change: HorizontalChange,
  { namespace, owner }: Pick<HorizontalUnit, 'namespace' | 'owner'>,
  { kube, hpaWrites, floorWrites }: Omit<HorizontalDeps, 'hpas' | 'podsOf'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const key = `${namespace}/${change.name}`;
  if (change.kind === 'floor') {
    await applyFloor({ kube, floorWrites }, { ...change, force: true }, signal);
    return { result: 'applied' };
  }
  if (change.kind === 'delete') {
    await kube.delete(horizontalPodAutoscalers, key, { uid: change.uid }, signal);
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
      // One that was taken over keeps what it says of itself: it may go back.
      ...(change.owner === undefined
        ? {}
        : {
            labels: { 'app.kubernetes.io/managed-by': 'genops', 'genops.dev/service': childName(owner.name) },
            ownerReferences: [change.owner],
          }),
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
