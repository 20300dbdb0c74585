import type { ConditionType, Reason } from './reasons.ts';
import { rfc3339 } from './rfc3339.ts';

/** metav1.Condition, as it stands in status. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  /** What was seen, what was wanted and the next step, in this order; at most 32768 characters. */
  readonly message: string;
  /** RFC 3339, whole seconds. */
  readonly lastTransitionTime: string;
  /** The generation of the object that this was found for. */
  readonly observedGeneration: number;
}

/** A condition before it is known when it last changed. Its reason is one that its type may have. */
export type NewCondition<T extends ConditionType = ConditionType> = T extends ConditionType
  ? {
      readonly type: T;
      readonly status: Condition['status'];
      readonly reason: Reason<T>;
      readonly message: string;
      readonly observedGeneration: number;
    }
  : never;

/** A condition as it was found; the generation that it is about is added where it is written. */
export type Finding<T extends ConditionType = ConditionType> = Omit<NewCondition<T>, 'observedGeneration'>;

/** `all` with `next` in it. `lastTransitionTime` moves only when the status does. Sorted by type: equal states are equal bytes. */
export function withCondition(all: readonly Condition[], next: NewCondition, now: Date): readonly Condition[] {
  const previous = all.find(({ type }) => type === next.type);
  const lastTransitionTime = previous?.status === next.status ? previous.lastTransitionTime : rfc3339(now.getTime());
  return [...all.filter((condition) => condition !== previous), { ...next, lastTransitionTime }].toSorted(byType);
}

const byType = (a: Condition, b: Condition): number => (a.type < b.type ? -1 : 1);
