import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import {
  judgeObjectives,
  type Measured,
  type ObjectiveName,
  type ObjectivesAnswer,
  type ObjectivesInput,
} from '../../../operator/decide/objectives.ts';

const now = Date.UTC(2026, 10, 25, 12, 0, 0);
const { objectives: policy } = effectivePolicy({}).policy;
const seen = (value: number, more: object = {}) => ({ value, observedAt: now - 4_000, ...more });
const mi = 1024 ** 2;
const fine: Measured = {
  workflowDuration: seen(12.345, { component: 'workflow' }),
  cachedResponseTime: seen(0.0842),
  workflowsInFlight: seen(20),
  memory: seen(1610 * mi),
  redisHitRatio: seen(0.912345),
  successRatio: seen(0.99),
};
const judged = (measured: Partial<Measured>, changes: Partial<typeof policy> = {}): ObjectivesAnswer =>
  judgeObjectives({ policy: { ...policy, ...changes }, measured: { ...fine, ...measured }, previous: undefined, now });
const stateOf = (name: ObjectiveName, answer: ObjectivesAnswer) =>
  answer.objectives.find((entry) => entry.name === name)?.state;

describe('what this process has not looked at for long enough', () => {
  const said = (state: 'Met' | 'NotMet' | 'Unknown', target = '2048Mi') =>
    [{ name: 'Memory', state, target, measured: '1Gi', since: '2026-11-25T11:00:00Z' }] as const;
  const memoryOf = (previous: ReturnType<typeof said>, measured: Partial<Measured>, tooEarly = true) => {
    const seenOf = { ...fine, memory: undefined, ...measured, tooEarly: tooEarly ? (['Memory'] as const) : [] };
    const { objectives, looked } = judgeObjectives({ policy, measured: seenOf, previous: [...previous], now });
    const byName = ({ name }: { readonly name: string }) => name === 'Memory';
    return { ...objectives.find(byName), judged: looked.find(byName)?.judged };
  };
  const [met] = said('Met');

  test('keeps the last word, and counts for no attainment', () => {
    expect(memoryOf(said('Met'), {})).toEqual({ ...met, judged: 'Unknown' });
    expect(memoryOf(said('NotMet'), {})).toMatchObject({ state: 'NotMet', measured: '1Gi' });
  });
  test.each<{ readonly name: string; readonly answer: object; readonly expected: object }>([
    { name: 'is unknown later', answer: memoryOf(said('Met'), {}, false), expected: { state: 'Unknown' } },
    { name: 'or of another target', answer: memoryOf(said('Met', '1Gi'), {}), expected: { state: 'Unknown' } },
    {
      name: 'is what a figure says',
      answer: memoryOf(said('Met'), { memory: seen(3000 * mi) }),
      expected: { state: 'NotMet', measured: '3000Mi' },
    },
    {
      name: 'or a kill without a figure',
      answer: memoryOf(said('Met'), { oomKilledAt: now }),
      expected: { state: 'NotMet' },
    },
  ])('$name', ({ answer, expected }) => expect(answer).toMatchObject(expected));
});

describe('judgeObjectives()', () => {
  test('writes each with its target, in its unit, and when it was measured', () => {
    const at = { since: '2026-11-25T12:00:00Z', observedAt: '2026-11-25T11:59:56Z' };
    expect(judged({})).toMatchObject({
      objectives: [
        { name: 'WorkflowDuration', component: 'workflow', state: 'Met', target: '30s', measured: '12.3s', ...at },
        { name: 'ConcurrentWorkflows', state: 'Met', target: '20', measured: '20', ...at },
        { name: 'CachedResponseTime', state: 'Met', target: '100ms', measured: '84ms', ...at },
        { name: 'Memory', state: 'Met', target: '2048Mi', measured: '1610Mi', ...at },
        { name: 'CacheHitRatio', state: 'Met', target: '0.70', measured: '0.9123', ...at },
        { name: 'SuccessRatio', state: 'Met', target: '0.95', measured: '0.99', ...at },
      ],
      objectivesMet: '6/6',
      condition: {
        type: 'ObjectivesMet',
        status: 'True',
        reason: 'Met',
        message: 'Every required objective that was exercised is met.',
      },
    });
  });

  test.each<{ name: string; objective: ObjectiveName; measured: Partial<Measured>; state: string }>([
    {
      name: 'a duration at its target is met',
      objective: 'WorkflowDuration',
      measured: { workflowDuration: seen(30) },
      state: 'Met',
    },
    {
      name: 'above it is not',
      objective: 'WorkflowDuration',
      measured: { workflowDuration: seen(30.001) },
      state: 'NotMet',
    },
    {
      name: 'no data is unknown',
      objective: 'WorkflowDuration',
      measured: { workflowDuration: undefined },
      state: 'Unknown',
    },
    {
      name: 'a lower bound below the target says nothing',
      objective: 'WorkflowDuration',
      measured: { workflowDuration: seen(10, { atLeast: true }) },
      state: 'Unknown',
    },
    {
      name: 'a lower bound at the target is above it',
      objective: 'WorkflowDuration',
      measured: { workflowDuration: seen(30, { atLeast: true }) },
      state: 'NotMet',
    },
    {
      name: 'a load of 19 does not exercise 20',
      objective: 'ConcurrentWorkflows',
      measured: { workflowsInFlight: seen(19) },
      state: 'NotExercised',
    },
    {
      name: 'a load that is not known is unknown',
      objective: 'ConcurrentWorkflows',
      measured: { workflowsInFlight: undefined },
      state: 'Unknown',
    },
    {
      name: 'a load under which workflows are slow is not carried',
      objective: 'ConcurrentWorkflows',
      measured: { workflowDuration: seen(31) },
      state: 'NotMet',
    },
    {
      name: 'a load under which requests fail is not carried',
      objective: 'ConcurrentWorkflows',
      measured: { successRatio: seen(0.9) },
      state: 'NotMet',
    },
    {
      name: 'a load under which durations are not known is unknown',
      objective: 'ConcurrentWorkflows',
      measured: { workflowDuration: undefined },
      state: 'Unknown',
    },
    {
      name: 'cached answers at 101 ms',
      objective: 'CachedResponseTime',
      measured: { cachedResponseTime: seen(0.101) },
      state: 'NotMet',
    },
    { name: 'memory at 2048Mi', objective: 'Memory', measured: { memory: seen(2048 * mi) }, state: 'Met' },
    { name: 'memory above it', objective: 'Memory', measured: { memory: seen(2048 * mi + 1) }, state: 'NotMet' },
    {
      name: 'an OOM kill within the window is a violation whatever was seen',
      objective: 'Memory',
      measured: { oomKilledAt: now - 300_000 },
      state: 'NotMet',
    },
    {
      name: 'also where nothing was seen',
      objective: 'Memory',
      measured: { memory: undefined, oomKilledAt: now },
      state: 'NotMet',
    },
    { name: 'an older one is none', objective: 'Memory', measured: { oomKilledAt: now - 300_001 }, state: 'Met' },
    {
      name: 'a hit ratio at its target',
      objective: 'CacheHitRatio',
      measured: { redisHitRatio: seen(0.7) },
      state: 'Met',
    },
    {
      name: 'a hit ratio below it',
      objective: 'CacheHitRatio',
      measured: { redisHitRatio: seen(0.6999) },
      state: 'NotMet',
    },
    {
      name: "the workload's ratio does not stand in for that of Redis",
      objective: 'CacheHitRatio',
      measured: { redisHitRatio: undefined, workloadHitRatio: seen(0.9) },
      state: 'Unknown',
    },
    {
      name: 'what nobody asked for is not exercised',
      objective: 'WorkflowDuration',
      measured: { workflowDuration: undefined, idle: ['WorkflowDuration'] },
      state: 'NotExercised',
    },
    { name: 'success at its target', objective: 'SuccessRatio', measured: { successRatio: seen(0.95) }, state: 'Met' },
    { name: 'success below it', objective: 'SuccessRatio', measured: { successRatio: seen(0.9499) }, state: 'NotMet' },
  ])('$name', ({ objective, measured, state }) => {
    expect(stateOf(objective, judged(measured))).toBe(state);
  });

  test('the policy says which hit ratio decides', () => {
    const changes = { cacheHitRatio: { ...policy.cacheHitRatio, source: 'Workload' as const } };
    expect(stateOf('CacheHitRatio', judged({ workloadHitRatio: seen(0.1) }, changes))).toBe('NotMet');
  });

  test('one that was not exercised does not count, neither way', () => {
    expect(judged({ workflowsInFlight: seen(3) })).toMatchObject({
      objectivesMet: '5/5',
      condition: { status: 'True' },
    });
  });

  test('unknown is not met, and not met outweighs unknown', () => {
    expect(judged({ redisHitRatio: undefined })).toMatchObject({
      objectivesMet: '5/6',
      condition: { status: 'Unknown', reason: 'Unknown' },
    });
    const both = judged({ redisHitRatio: undefined, memory: seen(3000 * mi) });
    expect(both).toMatchObject({ objectivesMet: '4/6', condition: { status: 'False', reason: 'NotMet' } });
    expect(both.condition.message).toContain('Memory (2048Mi)');
    expect(judged({ oomKilledAt: now }).condition.message).toContain(
      'Memory (2048Mi; a container was killed for its memory (OOMKilled))',
    );
  });

  test('of what replicas would help it is said that there are no more of them', () => {
    const full = [
      { component: 'workflow', replicas: 20, wanted: 26, by: { bound: 'horizontal.maxReplicas' } },
    ] as const;
    const slow = { ...fine, workflowDuration: seen(31, { component: 'workflow' }) };
    const said = (measured: Measured) =>
      judgeObjectives({ policy, measured, previous: undefined, full, now }).condition;
    expect(said(slow)).toMatchObject({ status: 'False', reason: 'CapacityLimited' });
    expect(said({ ...fine, memory: seen(3000 * mi) })).toMatchObject({ status: 'False', reason: 'NotMet' });
    expect(said(fine)).toMatchObject({ status: 'True', reason: 'Met' });
  });

  test('an informational one is shown and counts nothing; one that is off is not there', () => {
    const informational = { ...policy.memory, mode: 'Informational' as const };
    const off = { ...policy.successRatio, mode: 'Off' as const };
    const answer = judged({ memory: seen(3000 * mi) }, { memory: informational, successRatio: off });
    expect(answer).toMatchObject({ objectivesMet: '4/4', condition: { status: 'True' } });
    expect(stateOf('Memory', answer)).toBe('NotMet');
    expect(stateOf('SuccessRatio', answer)).toBeUndefined();
  });

  test('keeps since while the state holds, and only then', () => {
    const before = '2026-11-25T08:00:00Z';
    const previous = [
      { name: 'WorkflowDuration' as const, state: 'Met' as const, since: before },
      { name: 'SuccessRatio' as const, state: 'NotMet' as const, since: before },
    ];
    const { objectives } = judgeObjectives({ policy, measured: fine, previous, now });
    const since = Object.fromEntries(objectives.map((entry) => [entry.name, entry.since]));
    expect(since).toMatchObject({ WorkflowDuration: before, SuccessRatio: '2026-11-25T12:00:00Z' });
  });

  test('says of a lower bound that it is one', () => {
    expect(judged({ workflowDuration: seen(60, { atLeast: true }) }).objectives[0]).toMatchObject({
      measured: '>60s',
      state: 'NotMet',
    });
  });

  describe('what was missed', () => {
    const missed = (name: ObjectiveName, target: string) => [{ name, target, state: 'NotMet' as const }];
    const durationMissed = missed('WorkflowDuration', '30s');
    const hitsMissed = missed('CacheHitRatio', '0.70');
    const minutesAgo = (minutes: number): number => now - 60_000 * minutes;
    interface Row {
      readonly name: string;
      readonly previous: ObjectivesInput['previous'];
      readonly insideSince?: ObjectivesInput['insideSince'];
      readonly measured: Partial<Measured>;
      readonly objective?: ObjectiveName;
      readonly state: string;
    }
    test.each<Row>([
      {
        name: 'stays so at its target',
        previous: durationMissed,
        measured: { workflowDuration: seen(30) },
        state: 'NotMet',
      },
      {
        name: 'and just outside of the dead band (30 s − 5 % = 28.5 s)',
        previous: durationMissed,
        measured: { workflowDuration: seen(28.51) },
        state: 'NotMet',
      },
      {
        name: 'is met at its edge',
        previous: durationMissed,
        measured: { workflowDuration: seen(28.5) },
        state: 'Met',
      },
      {
        name: 'is not yet met when it was inside for a little less than half an hour',
        previous: durationMissed,
        insideSince: { WorkflowDuration: minutesAgo(30) + 1 },
        measured: { workflowDuration: seen(29) },
        state: 'NotMet',
      },
      {
        name: 'and is after it',
        previous: durationMissed,
        insideSince: { WorkflowDuration: minutesAgo(30) },
        measured: { workflowDuration: seen(29) },
        state: 'Met',
      },
      {
        name: 'is judged anew by another target',
        previous: missed('WorkflowDuration', '20s'),
        measured: { workflowDuration: seen(29) },
        state: 'Met',
      },
      {
        name: 'is unknown when nobody knows',
        previous: durationMissed,
        measured: { workflowDuration: undefined },
        state: 'Unknown',
      },
      {
        name: 'of a ratio: 0.70 + 5 % = 0.735',
        objective: 'CacheHitRatio',
        previous: hitsMissed,
        measured: { redisHitRatio: seen(0.7349) },
        state: 'NotMet',
      },
      {
        name: 'and at the edge',
        objective: 'CacheHitRatio',
        previous: hitsMissed,
        measured: { redisHitRatio: seen(0.735) },
        state: 'Met',
      },
      {
        name: 'of a ratio near 1 needs half of the way: 0.975 for 0.95',
        objective: 'SuccessRatio',
        previous: missed('SuccessRatio', '0.95'),
        measured: { successRatio: seen(0.975) },
        state: 'Met',
      },
      {
        name: 'and no less',
        objective: 'SuccessRatio',
        previous: missed('SuccessRatio', '0.95'),
        measured: { successRatio: seen(0.9749) },
        state: 'NotMet',
      },
      {
        name: 'a load is not carried while what it stands on has not come back clearly',
        objective: 'ConcurrentWorkflows',
        previous: durationMissed,
        measured: { workflowDuration: seen(29) },
        state: 'NotMet',
      },
      {
        name: 'a load that counted goes on to count a little below (19 of 20)',
        objective: 'ConcurrentWorkflows',
        previous: [{ name: 'ConcurrentWorkflows', target: '20', state: 'Met' }],
        measured: { workflowsInFlight: seen(19) },
        state: 'Met',
      },
      {
        name: 'one that was missed and that nobody asks for any more is not exercised',
        previous: durationMissed,
        measured: { workflowDuration: undefined, idle: ['WorkflowDuration'] },
        state: 'NotExercised',
      },
      {
        name: 'and no longer',
        objective: 'ConcurrentWorkflows',
        previous: [{ name: 'ConcurrentWorkflows', target: '20', state: 'Met' }],
        measured: { workflowsInFlight: seen(18) },
        state: 'NotExercised',
      },
    ])('$name', ({ previous, insideSince, measured, objective = 'WorkflowDuration', state }) => {
      const answer = judgeObjectives({ policy, measured: { ...fine, ...measured }, previous, insideSince, now });
      expect(stateOf(objective, answer)).toBe(state);
    });

    test('is counted by its figure alone, and says since when that is inside', () => {
      const answer = judgeObjectives({
        policy,
        measured: { ...fine, workflowDuration: seen(29) },
        previous: durationMissed,
        now,
      });
      expect(answer.looked[0]).toMatchObject({ name: 'WorkflowDuration', judged: 'Met', goal: 30 });
      expect(answer.insideSince).toEqual({ WorkflowDuration: now });
    });
  });

  test('shows the attainment that it is given', () => {
    const attainment = (name: ObjectiveName) => (name === 'Memory' ? 0.9929 : undefined);
    const { objectives } = judgeObjectives({ policy, measured: fine, previous: undefined, attainment, now });
    expect(objectives.find(({ name }) => name === 'Memory')).toMatchObject({ attainment: '0.992' });
    expect(objectives[0]).not.toHaveProperty('attainment');
  });
});
