import { describe, expect, test } from '@jest/globals';
import { lookaheadAsks, scoreFloor, type ScoreFloorInput } from '../../../operator/decide/asked-floor.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { decideLookahead, type LookaheadDecision } from '../../../operator/decide/lookahead/decide.ts';
import { learn } from '../../../operator/decide/lookahead/learn.ts';
import { createLookaheadMemory } from '../../../operator/decide/lookahead/memory.ts';
import { scoreRules, type Seen } from '../../../operator/decide/score.ts';
import { settings } from './lookahead/settings.ts';

const now = 1_800_000_000_000;
const busy: Seen = {
  responseTimeAverage: 2,
  cpuPercent: 90,
  memoryPercent: 50,
  queueLength: 0,
  requestRatePerPod: 80,
  errorRatio: 0,
};
const slack: Seen = { ...busy, responseTimeAverage: 0.1, cpuPercent: 5, memoryPercent: 10, requestRatePerPod: 1 };
const ask = (rest: Partial<ScoreFloorInput>) =>
  scoreFloor({
    rules: scoreRules(effectivePolicy({}).policy.scaler),
    minReplicas: 2,
    maxReplicas: 20,
    seen: busy,
    inForce: 2,
    memory: {},
    observedAt: (metric) => (metric === 'cpuPercent' ? now - 3_000 : undefined),
    now,
    ...rest,
  });

describe('scoreFloor()', () => {
  test('asks for a step more than the floor in force, whoever raised it', () => {
    expect(ask({ inForce: 7, memory: { floor: 3 } })).toMatchObject({
      asked: { floor: 9, reason: 'LoadHigh', heldBy: undefined, heldUntil: now + 300_000 }, // its own cooldown begins
      memory: { floor: 9, lastScaledAt: now },
    });
  });

  test('asks for a step less than what it asked for itself', () => {
    const { asked, memory } = ask({ seen: slack, inForce: 7, memory: { floor: 4 } });
    expect(asked).toMatchObject({ floor: 3, reason: 'LoadLow' });
    expect(memory).toMatchObject({ floor: 3, lastScaledAt: now });
  });

  test('asks for no more than the policy does before it has raised anything', () => {
    expect(ask({ seen: slack, inForce: 7 }).asked).toMatchObject({ floor: 2, heldBy: 'MinReplicas' });
    expect(ask({ seen: {}, inForce: 7 }).asked).toMatchObject({
      floor: 2,
      reason: 'MetricsStale',
      heldBy: 'MetricsStale',
    });
  });

  test('says until when a cooldown holds it, with the points all the same', () => {
    const { asked, memory } = ask({ inForce: 4, memory: { floor: 4, lastScaledAt: now - 60_000 } });
    expect(asked).toMatchObject({ floor: 4, reason: 'CoolingDown', heldBy: 'Cooldown', heldUntil: now + 240_000 });
    expect(asked.message).toBe('up 55 of more than 50 (latency 2 > 1: +30, cpu 90 > 80: +25); down 0 of more than 60.');
    expect(memory).toMatchObject({ floor: 4, lastScaledAt: now - 60_000 });
  });

  test('names a signal that has given its points for an hour, and one that could not be judged meanwhile', () => {
    const always = ', for more than an hour now: set a value that tells something apart';
    const first = ask({ now: now - 3_600_000 }).memory;
    const { cpuPercent: _, ...unknown } = busy;
    const then = ask({ now: now - 60_000, seen: unknown, memory: first }).memory;
    const meansAt = (at: number) =>
      ask({ now: at, memory: then })
        .asked.terms.filter(({ means }) => means.endsWith(always))
        .map(({ name }) => name);
    expect(meansAt(now - 1)).toEqual([]);
    expect(meansAt(now)).toEqual(['up: latency', 'up: cpu']);
    const other = ask({ now: now - 30_000, seen: { ...busy, cpuPercent: 60 }, memory: then }).memory;
    const { terms } = ask({ now, memory: other }).asked;
    expect(terms.filter(({ means }) => means.endsWith(always)).map(({ name }) => name)).toEqual(['up: latency']);
  });

  test('has what every signal saw and gave, how old that is, and both sums', () => {
    const { memoryPercent: _, ...seen } = busy;
    const { terms } = ask({ seen: { ...seen, errorRatio: 'idle', queueLength: 'idle' } }).asked;
    expect(terms.slice(0, 5)).toEqual([
      { name: 'up: latency', value: 2, unit: 's', means: 'responseTimeAverage is above 1: 30 points' },
      { name: 'up: cpu', value: 90, unit: '%', means: 'cpuPercent is above 80: 25 points', observedAt: now - 3_000 },
      {
        name: 'up: memory',
        value: undefined,
        unit: '%',
        means: 'memoryPercent is missing: none of 25 points, and nothing is taken away',
      },
      {
        name: 'up: queue',
        value: undefined,
        unit: '',
        means: 'queueLength is idle, nothing was asked: none of 20 points',
      },
      { name: 'up', value: 55, unit: 'points', means: 'more than 50 add 2' },
    ]);
    expect(terms.at(-1)).toEqual({ name: 'down', value: 0, unit: 'points', means: 'more than 60 take 1 away' });
    expect(terms.find(({ name }) => name === 'down: cpu')?.means).toBe('cpuPercent is not below 30: none of 25 points');
  });
});

const basis = { observedAt: now, beliefs: { startUp: 'it was told', slots: 'it was seen' } };
const sample = { arrived: 25, finished: 20, busySeconds: 160, waiting: 5, ready: 4, asked: 4, startUpSeconds: 30 };

test('lookaheadAsks() says what decides in one sentence', () => {
  const decision = decideLookahead(createLookaheadMemory(settings), sample, settings);
  expect(lookaheadAsks(decision, settings, basis)).toMatchObject({
    floor: 7,
    reason: 'LoadHigh',
    message:
      '20 slots are asked for, of 8 s a request; trend expects 20, below 30 in 80 % of cases; that takes 32 slots and 2 for what waits: 7 replicas of 5.',
  });
});

test('lookaheadAsks() says that it holds for what some Pods leave out', () => {
  const decision = decideLookahead(
    createLookaheadMemory(settings),
    { ...sample, asked: 12, isPartial: true },
    settings,
  );
  expect(lookaheadAsks(decision, settings, basis)).toMatchObject({
    floor: 12,
    reason: 'MetricsStale',
    heldBy: 'MetricsStale',
    message: expect.stringContaining('; some Pods leave out what others tell, so it may be more.'),
  });
});

test('lookaheadAsks() has every term in the order of its arithmetic, from what was measured on', () => {
  const memory = createLookaheadMemory(settings);
  const busyFor = (windows: number, arrived: number): LookaheadDecision => {
    const seen = { ...sample, arrived, finished: arrived, busySeconds: 8 * arrived, waiting: 0, asked: 6 };
    const decision = decideLookahead(memory, seen, settings);
    learn(memory, seen, decision, settings);
    return windows > 1 ? busyFor(windows - 1, arrived) : decision;
  };
  busyFor(200, 30);
  const { terms, heldBy, heldUntil } = lookaheadAsks(busyFor(2, 5), settings, basis);
  const told = Object.fromEntries(terms.map(({ name, value, unit }) => [name, [Number(value?.toPrecision(3)), unit]]));
  expect(told).toMatchObject({
    arrivals: [0.5, 'requests/s'],
    'service time': [8, 's'],
    slots: [5, 'a replica'],
    capacity: [0.625, 'requests/s'],
    demand: [4, 'slots'],
    horizon: [50, 's'],
    'forecast max5': [24, 'slots'],
    backlog: [0, 'slots'],
    wanted: [expect.any(Number), 'replicas'],
    peak: [expect.any(Number), 'replicas'],
  });
  expect(terms.map(({ name }) => name).filter((name) => !name.startsWith('forecast'))).toEqual(
    'arrivals,service time,variation,slots,capacity,demand,need,start-up,horizon,staffed,backlog,wanted,peak'.split(
      ',',
    ),
  );
  expect(terms.filter(({ observedAt }) => observedAt !== undefined).map(({ name }) => name)).toEqual(['arrivals']);
  expect(terms.filter(({ means }) => means.endsWith('; it is believed'))).toHaveLength(1);
  expect(terms.find(({ name }) => name === 'forecast level')?.means).toMatch(
    /^the demand of the last 20 s; raised to [\d.]+, to cover 80 % of cases; lately it covered \d+ %, and was off by a mean loss of [\d.]+/,
  );
  // Two windows of little load: what was wanted before them is in the down window of 8 for six more.
  expect([heldBy, heldUntil]).toEqual(['DownWindow', now + 60_000]);
});
