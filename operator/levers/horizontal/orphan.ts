import type { LeverPlan, LeverUnit } from '../lever.ts';
import type { OwnerReference } from '../../kube/object.ts';
import { targetKey, type HpaView, type ObjectReference } from './hpa.ts';
import type { HorizontalChange } from './plan.ts';

/** An HPA that we made for a component that the service no longer has: left alone it would go on scaling, and stand in the way of the target's next service. */
export interface OrphanUnit extends LeverUnit {
  readonly namespace: string;
  /** The GenerationService. */
  readonly owner: OwnerReference;
  readonly orphan: HpaView;
}

/** What keeps an HPA of ours. */
interface Component {
  readonly hpaName: string;
  readonly targetRef: ObjectReference;
}

/** Those of `owned` that no component has: its HPA is the one that aims at its target, or else the one of its name, which is about to be aimed there. */
export function orphansOf(owned: readonly HpaView[], components: readonly Component[]): readonly HpaView[] {
  const kept = new Set(
    components.map(
      ({ hpaName, targetRef }) => owned.find(aimsAt(targetRef)) ?? owned.find(({ name }) => name === hpaName),
    ),
  );
  return owned.filter((hpa) => !kept.has(hpa));
}

const aimsAt =
  (targetRef: ObjectReference) =>
  ({ namespace, spec }: HpaView): boolean =>
    targetKey(namespace, spec.scaleTargetRef) === targetKey(namespace, targetRef);

/** It is looked at again after this: no component aims where it did, so nobody is woken when it is gone. */
const againMs = 5_000;

export function planDeletion({ orphan: { name, uid, namespace } }: OrphanUnit): LeverPlan<HorizontalChange> {
  const differences = [{ field: 'HorizontalPodAutoscaler', from: name, to: '(none)' }];
  const message = `HorizontalPodAutoscaler ${namespace}/${name} is deleted: its component is gone.`;
  return {
    changes: [{ kind: 'delete', cause: 'Declared', name, uid, differences }],
    condition: { status: 'True', reason: 'Applied', message },
    status: {},
    againMs,
  };
}
