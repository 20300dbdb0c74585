import type { LeverPlan, PlanInput } from '../lever.ts';
import { differenceOf, memoryOf, type PostgresChange } from './changes.ts';
import type { PostgresObserved } from './observe.ts';
import { toPutBack } from './originals.ts';
import { againMs, statusOf } from './plan.ts';
import type { PostgresUnit } from './unit.ts';
import { wantedValues } from './wanted.ts';

/** Puts back what we once wrote, as far as it is still what we wrote: what somebody has changed since is theirs. */
export function restore(input: PlanInput<PostgresUnit, PostgresObserved>): LeverPlan<PostgresChange> {
  const { unit, observed } = input;
  const memory = memoryOf(input.memory, observed);
  const writes = memory === undefined ? [] : toPutBack(memory, observed);
  const differences = writes.map(differenceOf);
  return {
    changes: writes.length === 0 ? [] : [{ cause: 'Declared', differences, systemId: observed.systemId, writes }],
    condition: { status: 'True', reason: 'Applied', message: `${unit.name} has its own settings back.` },
    status: statusOf(unit, observed, wantedValues(unit.policy, observed)),
    againMs,
  };
}
