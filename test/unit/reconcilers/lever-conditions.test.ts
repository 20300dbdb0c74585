import { expect, test } from '@jest/globals';
import type { LeverCondition, PlannedCondition } from '../../../operator/levers/lever.ts';
import type { AnyLever, UnitResult } from '../../../operator/levers/run.ts';
import { leverConditions } from '../../../operator/reconcilers/lever-conditions.ts';

const type: LeverCondition = 'PostgresApplied';
const of = (condition: PlannedCondition): UnitResult => ({
  plan: {
    lever: { name: 'postgresql', condition: type } as AnyLever,
    unit: { name: 'main', mode: 'Enforce' },
    changes: [],
    condition,
    status: {},
  },
  outcome: 'nothing',
  taken: [],
  condition,
});

test('what is worst is said first, however much there is to say of what only waits; of equals in their order', () => {
  const waiting = of({ status: 'True', reason: 'PendingRestart', message: 'waits for a restart' });
  const building = of({ status: 'False', reason: 'IndexBuilding', message: 'being built' });
  const failed = of({ status: 'False', reason: 'Failed', message: 'it failed' });
  expect(leverConditions([waiting, building, failed], 'Enforce')).toEqual([
    { type, status: 'False', reason: 'IndexBuilding', message: 'being built | it failed | waits for a restart' },
  ]);
});
