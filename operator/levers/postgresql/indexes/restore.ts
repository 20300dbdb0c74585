import type { LeverPlan, PlanInput } from '../../lever.ts';
import type { IndexesObserved } from './observe.ts';
import type { IndexesChange } from './changes.ts';
import type { IndexesUnit } from './unit.ts';
import { prunings, withdrawals } from './withdraw.ts';

/** Ends what is being built and drops what was built: what says that it is ours, and nothing else. */
export function restore(input: PlanInput<IndexesUnit, IndexesObserved>): LeverPlan<IndexesChange> {
  const none = (): boolean => false;
  const databases = input.observed.databases.map(({ name }) => name).join(', ');
  return {
    changes: [...withdrawals(input, none), ...prunings(input, none)],
    condition: {
      status: 'True',
      reason: 'Applied',
      message: `${input.unit.name} has none of our indexes any more in ${databases}.`,
    },
    status: {},
  };
}
