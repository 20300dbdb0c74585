import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import type { LeverChange, LeverPlan, LeverUnit, Outcome } from '../../../operator/levers/lever.ts';
import { apply, planAll, type AnyLever } from '../../../operator/levers/run.ts';

const never = new AbortController().signal;
const change: LeverChange = { cause: 'Declared', differences: [{ field: 'maxmemory', from: '0', to: '1gb' }] };
const toDo: LeverPlan<LeverChange> = {
  changes: [change],
  condition: { status: 'True', reason: 'Applied', message: 'as declared' },
  status: { maxmemory: '0' },
  statusAfter: { maxmemory: '1gb' },
};
/** A lever that plans this for its one unit, and whose server answers so to each change in turn. */
function planned(plan: LeverPlan<LeverChange>, mode: LeverUnit['mode'], answers: readonly (Outcome | Problem)[] = []) {
  const left = [...answers];
  const lever: AnyLever = {
    name: 'redis',
    condition: 'RedisApplied',
    units: () => [],
    observe: () => Promise.resolve(undefined),
    plan: () => plan,
    apply: () => {
      const answer = left.shift();
      if (answer === undefined) return Promise.reject(new Error('there was no such change'));
      return 'result' in answer ? Promise.resolve(answer) : Promise.reject(answer);
    },
  };
  const observation = { lever, unit: { name: 'cache', mode }, seen: { kind: 'seen', value: undefined } } as const;
  return planAll([observation], { memory: {}, now: 0, verb: 'plan' });
}

describe('apply()', () => {
  const refused = { status: 'False', reason: 'Unreachable', message: 'it says no' } as const;
  test.each<{
    readonly name: string;
    readonly answers: readonly (Outcome | Problem)[];
    readonly outcome: string;
    readonly maxmemory: string;
  }>([
    { name: 'is made', answers: [{ result: 'applied' }], outcome: 'applied', maxmemory: '1gb' },
    { name: 'was sent before', answers: [{ result: 'nothing' }], outcome: 'nothing', maxmemory: '1gb' },
    { name: 'is refused', answers: [{ result: 'refused', condition: refused }], outcome: 'refused', maxmemory: '0' },
    {
      name: 'goes wrong',
      answers: [new Problem('Failed', { saw: 'a', wanted: 'b' })],
      outcome: 'failed',
      maxmemory: '0',
    },
  ])('counts a change that $name as $outcome, and status says what is in force', async ({ answers, ...expected }) => {
    const [result] = await apply(planned(toDo, 'Enforce', answers), () => true, never);
    expect({ outcome: result?.outcome, ...result?.plan.status }).toEqual({
      outcome: expected.outcome,
      maxmemory: expected.maxmemory,
    });
  });

  test('counts a unit as changed where one of its changes was sent', async () => {
    const two = { ...toDo, changes: [change, change] };
    const [result] = await apply(
      planned(two, 'Enforce', [{ result: 'applied' }, { result: 'nothing' }]),
      () => true,
      never,
    );
    expect(result?.outcome).toBe('applied');
  });

  test('makes nothing in DryRun, and status says what is in force', async () => {
    const [result] = await apply(planned(toDo, 'DryRun'), () => true, never);
    expect(result).toMatchObject({ outcome: 'nothing', plan: { status: { maxmemory: '0' } } });
  });
});
