import type { LeverPlan, PlanInput } from '../lever.ts';
import { differenceOf, memoryOf, type PostgresChange } from './changes.ts';
import type { PostgresObserved } from './observe.ts';
import { seenThere, toPutBack } from './originals.ts';
import { releaseOwner } from './plan-owned.ts';
import { againMs, statusOf } from './plan.ts';
import type { PostgresUnit } from './unit.ts';
import { wantedValues } from './wanted.ts';

/** Puts back what we once wrote, as far as it is still what we wrote: what somebody has changed since is theirs. */
export function restore(input: PlanInput<PostgresUnit, PostgresObserved>): LeverPlan<PostgresChange> {
  const { observed, unit } = input;
  const { systemId, owner } = observed;
  const released = owner === undefined ? [] : releaseOwner(owner, observed);
  const ours = unit.clusterRef === undefined ? toPutBack : seenThere; // also from before another operator had the server
  const writes = ours(memoryOf(input.memory, observed) ?? {}, observed);
  const differences = writes.map(differenceOf);
  const putBack: PostgresChange = { cause: 'Declared', differences, systemId, writes };
  return restored([...released, ...(writes.length === 0 ? [] : [putBack])], input);
}

function restored(
  changes: readonly PostgresChange[],
  { unit, observed }: PlanInput<PostgresUnit, PostgresObserved>,
): LeverPlan<PostgresChange> {
  return {
    changes,
    condition: { status: 'True', reason: 'Applied', message: `${unit.name} has its own settings back.` },
    status: statusOf(unit, observed, wantedValues(unit, observed)),
    againMs,
  };
}
