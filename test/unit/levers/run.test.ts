import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import type { LeverChange, LeverPlan, LeverUnit, Outcome, PlannedCondition } from '../../../operator/levers/lever.ts';
import {
  apply,
  confirmations,
  intentions,
  isHolding,
  planAll,
  type AnyLever,
  type LeverMemory,
  type Observation,
} from '../../../operator/levers/run.ts';

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

const refused = {
  result: 'refused',
  fields: ['maxmemory'],
  condition: { status: 'False', reason: 'Unreachable', message: 'it says no' },
} as const;

describe('apply()', () => {
  test.each<{
    readonly name: string;
    readonly answers: readonly (Outcome | Problem)[];
    readonly outcome: string;
    readonly maxmemory: string;
  }>([
    { name: 'is made', answers: [{ result: 'applied' }], outcome: 'applied', maxmemory: '1gb' },
    { name: 'was sent before', answers: [{ result: 'nothing' }], outcome: 'nothing', maxmemory: '1gb' },
    {
      name: 'is refused',
      answers: [refused],
      outcome: 'refused',
      maxmemory: '0',
    },
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

  describe('of several servers', () => {
    const of = (node: string, field: string): LeverChange => ({
      cause: 'Declared',
      node,
      differences: [{ field, to: '1' }],
    });
    const changes = [of('a', 'one'), of('a', 'two'), of('b', 'one')];
    test.each<{ readonly name: string; readonly answer: Outcome | Problem; readonly outcome: string }>([
      { name: 'refuses', answer: { ...refused, fields: ['one'] }, outcome: 'refused' },
      { name: 'does not answer', answer: new Problem('Unreachable', { saw: 'a', wanted: 'b' }), outcome: 'failed' },
    ])('leaves one that $name alone, and makes the changes of the others', async ({ answer, outcome }) => {
      const plans = planned({ ...toDo, changes }, 'Enforce', [answer, { result: 'applied' }]);
      const [result] = await apply(plans, () => true, never);
      expect(result).toMatchObject({ outcome, taken: [of('b', 'one')] });
    });
    test('neither holds an independent change up nor is held up by one', async () => {
      const [one, two, alone] = ['one', 'two', 'three'].map((field) => of('a', field));
      if (one === undefined || two === undefined || alone === undefined) throw new Error('three changes');
      const independent = { ...alone, isIndependent: true } as const;
      const silent = new Problem('Unreachable', { saw: 'a', wanted: 'b' });
      const run = async (list: readonly LeverChange[], answers: readonly (Outcome | Problem)[]) =>
        (await apply(planned({ ...toDo, changes: list }, 'Enforce', answers), () => true, never))[0]?.taken;
      expect(await run([independent, one], [silent, { result: 'applied' }])).toEqual([one]);
      expect(await run([one, two, independent], [silent, { result: 'applied' }])).toEqual([independent]);
    });
    test('says of each that did not take a change why, a silent one first', async () => {
      const silent = new Problem('Unreachable', { saw: 'a', wanted: 'b' });
      const plans = planned({ ...toDo, changes }, 'Enforce', [{ ...refused, fields: ['one'] }, silent]);
      const [result] = await apply(plans, () => true, never);
      expect(result?.condition).toEqual({
        status: 'False',
        reason: 'Unreachable',
        message: 'it says no | saw a; wanted b',
      });
    });
  });

  test.each<{ readonly name: string; readonly condition: PlannedCondition; readonly message: string }>([
    {
      name: 'with what the plan holds back beside it',
      condition: { status: 'False', reason: 'OutOfBounds', message: 'saw no room' },
      message: 'it says no | saw no room',
    },
    {
      name: 'without what the plan expected to be in force',
      condition: { status: 'True', reason: 'Applied', message: 'all in force' },
      message: 'it says no',
    },
    {
      name: 'without what comes by itself',
      condition: { status: 'False', reason: 'Lowering', message: 'saw more in use' },
      message: 'it says no',
    },
  ])('says of a refusal why, $name', async ({ condition, message }) => {
    const [result] = await apply(planned({ ...toDo, condition }, 'Enforce', [refused]), () => true, never);
    expect(result?.condition).toEqual({ ...refused.condition, message });
  });

  test('makes nothing in DryRun, and status says what is in force', async () => {
    const [result] = await apply(planned(toDo, 'DryRun'), () => true, never);
    expect(result).toMatchObject({ outcome: 'nothing', plan: { status: { maxmemory: '0' } } });
  });
});

describe('what is remembered', () => {
  const policy = { field: 'maxmemory-policy', from: 'noeviction', to: 'allkeys-lru' };
  const limit = { field: 'maxmemory', from: '0', to: '1gb' };
  const applied = { 'maxmemory-policy': 'allkeys-lru', maxmemory: '1gb' };
  const drift: LeverChange = { cause: 'Drift', differences: [policy], remember: { applied } };
  const declared: LeverChange = { cause: 'Declared', differences: [limit], remember: { applied } };
  const visited = async (changes: readonly LeverChange[], answers: readonly (Outcome | Problem)[]) => {
    const plans = planned({ ...toDo, changes }, 'Enforce', answers);
    const before = intentions(plans, {});
    const results = await apply(plans, () => true, never);
    return {
      before,
      after: confirmations(results, before),
      taken: results[0]?.taken,
      again: intentions(plans, before),
    };
  };
  const unconfirmed = (memory: LeverMemory) => memory['redis/cache']?.unconfirmed;

  test('a change is unconfirmed until it was read back', async () => {
    const { before, after, taken } = await visited([drift, declared], [{ result: 'applied' }, { result: 'applied' }]);
    expect([unconfirmed(before), unconfirmed(after)]).toEqual([['maxmemory', 'maxmemory-policy'], undefined]);
    expect(taken).toEqual([drift, declared]);
  });

  test('what was taken before another was refused is confirmed; what was refused is not, and is written down once', async () => {
    const { before, after, taken, again } = await visited([drift, declared], [{ result: 'applied' }, refused]);
    expect(unconfirmed(after)).toEqual(['maxmemory']);
    expect(taken).toEqual([drift]);
    expect(again).toBe(before);
  });

  test('of a change that was taken in part, that part is confirmed', async () => {
    const both = { ...declared, differences: [policy, limit] };
    const { after, taken } = await visited([both], [refused]);
    expect(unconfirmed(after)).toEqual(['maxmemory']);
    expect(taken).toEqual([{ ...both, differences: [policy] }]);
  });

  test('of a unit that is Off is what can be put back, but no server, neither one nor several', () => {
    const originals = { maxmemory: '0' };
    const held = { originals, serverRun: 'run', address: 'a:1' };
    const known = { 'redis/cache': { ...held, nodes: { 'b:1': held } } };
    const bare = { originals, nodes: { 'b:1': { originals } } };
    expect(intentions(planned(toDo, 'Off'), known)).toEqual({ 'redis/cache': bare });
  });

  test('what was taken before another got no answer is confirmed', async () => {
    const silence = new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' });
    const { after, taken } = await visited([drift, declared], [{ result: 'applied' }, silence]);
    expect(unconfirmed(after)).toEqual(['maxmemory']);
    expect(taken).toEqual([drift]);
  });
});

describe('what is held back', () => {
  const away = new Problem('PermissionDenied', { saw: '403', wanted: 'to read it', next: 'grant it' });
  const unseen: Observation['seen'] = { kind: 'problem', problem: away };
  /** A lever that may hold something, as it looked at one unit of which this is remembered. */
  const planOf = (
    seen: Observation['seen'],
    known: readonly string[],
    plan: LeverPlan<LeverChange> = toDo,
    verb: Parameters<typeof planAll>[1]['verb'] = 'plan',
  ) => {
    const lever: AnyLever = {
      name: 'horizontal',
      condition: 'HorizontalApplied',
      units: () => [],
      observe: () => Promise.resolve(undefined),
      plan: () => plan,
      release: () => plan,
      apply: () => Promise.resolve({ result: 'nothing' }),
    };
    const memory = Object.fromEntries(known.map((name) => [`horizontal/${name}`, { originals: { uid: 'u' } }]));
    const unit = { name: 'web', mode: 'Enforce' } as const;
    return planAll([{ lever, unit, seen }], { memory, now: 0, verb });
  };
  const seen: Observation['seen'] = { kind: 'seen', value: undefined };

  test.each<{
    readonly name: string;
    readonly plans: ReturnType<typeof planOf>;
    readonly holding: boolean | undefined;
  }>([
    { name: 'nothing', plans: planOf(seen, ['web']), holding: false },
    { name: 'what a plan says', plans: planOf(seen, ['web'], { ...toDo, holds: true }), holding: true },
    {
      name: 'nobody knows: it was changed once, and could not be looked at',
      plans: planOf(unseen, ['web']),
      holding: undefined,
    },
    { name: 'nothing where nothing was ever changed', plans: planOf(unseen, ['api']), holding: false },
    {
      name: 'what a plan says, whatever of another is not known',
      plans: [...planOf(unseen, ['web']), ...planOf(seen, [], { ...toDo, holds: true })],
      holding: true,
    },
  ])('$name', ({ plans, holding }) => {
    expect(isHolding(plans)).toBe(holding);
  });

  test('of what could not be looked at the condition says why, and of the finalizer what holds with each deletionPolicy', () => {
    const why = 'saw 403; wanted to read it; next: grant it';
    const finalizer = 'whether anything is held back there is not known: a finalizer that is there stays until it is';
    const said = (...of: Parameters<typeof planOf>) => planOf(...of)[0]?.condition;
    expect(said(unseen, ['web'])).toEqual({
      status: 'False',
      reason: 'PermissionDenied',
      message: `${why} (${finalizer})`,
    });
    expect(said(unseen, [])?.message).toBe(why);
    // of a service that is being deleted it goes when nobody waits any longer
    for (const verb of ['restore', 'release'] as const) expect(said(unseen, ['web'], toDo, verb)?.message).toBe(why);
  });
});

describe('planAll() in DryRun', () => {
  const follows = [{ field: 'spec.minReplicas', from: '2', to: '5' }];
  const unforeseen = 'spec.minReplicas moved by load: not shown here';
  const idle: LeverPlan<LeverChange> = { ...toDo, changes: [] };
  test.each<{
    readonly name: string;
    readonly plan: LeverPlan<LeverChange>;
    readonly message: string;
    readonly held?: readonly unknown[];
  }>([
    {
      name: 'the changes and what follows them',
      plan: { ...toDo, follows },
      message: 'Would change maxmemory 0 → 1gb, spec.minReplicas 2 → 5.',
      held: [...change.differences, ...follows],
    },
    {
      name: 'what another loop changes',
      plan: { ...idle, follows },
      message: 'Would change spec.minReplicas 2 → 5.',
      held: follows,
    },
    {
      name: 'what cannot be foreseen',
      plan: { ...idle, unforeseen },
      message: `Would change nothing now; ${unforeseen}.`,
      held: [],
    },
  ])('says $name, and holds it back', ({ plan, message, held }) => {
    const [said] = planned(plan, 'DryRun');
    expect(said).toMatchObject({ changes: [], held, condition: { status: 'True', reason: 'DryRun', message } });
  });
  test('ends what runs on our account all the same, and says nothing of it', () => {
    const withdrawal = { ...change, isWithdrawal: true } as const;
    const [said] = planned({ ...toDo, changes: [withdrawal, change] }, 'DryRun');
    expect(said).toMatchObject({
      changes: [withdrawal],
      held: change.differences,
      condition: { message: 'Would change maxmemory 0 → 1gb.' },
    });
    expect(planned({ ...toDo, changes: [withdrawal] }, 'DryRun')).toMatchObject([
      { changes: [withdrawal], condition: toDo.condition },
    ]);
  });
  test('says of a change that would be refused by whom, and what to do', () => {
    const refusal = { status: 'False', reason: 'Conflict', message: 'saw kubectl-edit' } as const;
    const [said] = planned({ ...toDo, refusal }, 'DryRun');
    const message = 'Would change maxmemory 0 → 1gb, and be refused: saw kubectl-edit';
    expect(said).toMatchObject({ changes: [], held: change.differences, condition: { ...refusal, message } });
  });
  test('says beside the changes what they would leave amiss', () => {
    const condition = { status: 'False', reason: 'NonExpiringKeys', message: 'saw some keys' } as const;
    const [said] = planned({ ...toDo, condition }, 'DryRun');
    const message = 'Would change maxmemory 0 → 1gb, but: saw some keys';
    expect(said).toMatchObject({ changes: [], held: change.differences, condition: { ...condition, message } });
  });
  test('takes what only takes its time for no obstacle', () => {
    const condition = { status: 'False', reason: 'IndexBuilding', message: 'saw 1 of 3' } as const;
    const [said] = planned({ ...toDo, condition }, 'DryRun');
    const message = 'Would change maxmemory 0 → 1gb.';
    expect(said?.condition).toEqual({ status: 'True', reason: 'DryRun', message });
  });
  test.each<{ readonly name: string; readonly plan: LeverPlan<LeverChange> }>([
    { name: 'as declared', plan: idle },
    {
      name: 'a Conflict',
      plan: { ...idle, unforeseen, condition: { status: 'False', reason: 'Conflict', message: 'two' } },
    },
  ])('says of what is $name just that', ({ plan }) => {
    const [said] = planned(plan, 'DryRun');
    expect(said?.condition).toEqual(plan.condition);
    expect(said?.held).toBeUndefined();
  });
  test('in Enforce nothing is held back, and what another loop changes is no change of ours', () => {
    const [made] = planned({ ...idle, follows }, 'Enforce');
    expect(made).toMatchObject({ changes: [], follows, condition: idle.condition });
    expect(made?.held).toBeUndefined();
  });
});
