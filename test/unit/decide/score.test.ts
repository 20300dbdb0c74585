import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { pointsText, score, scoreRules, type ScoreInput, type Seen } from '../../../operator/decide/score.ts';

const now = 1_800_000_000_000;
const rules = scoreRules(effectivePolicy({}).policy.scaler);
const calm = {
  responseTimeAverage: 0.5,
  cpuPercent: 50,
  memoryPercent: 50,
  queueLength: 10,
  requestRatePerPod: 80,
  errorRatio: 0,
} satisfies Seen;
const slack = { ...calm, responseTimeAverage: 0.1, cpuPercent: 10, memoryPercent: 30, requestRatePerPod: 5 };
const at = (seen: Seen, rest: Partial<ScoreInput> = {}): ScoreInput => ({
  rules,
  minReplicas: 2,
  maxReplicas: 20,
  seen,
  current: 6,
  memory: {},
  now,
  ...rest,
});

describe('points', () => {
  test.each<{ name: string; seen: Seen; up: number; down: number }>([
    { name: 'none at ease', seen: calm, up: 0, down: 0 },
    { name: 'response time above 1 s: 30 up', seen: { ...calm, responseTimeAverage: 1.001 }, up: 30, down: 0 },
    { name: 'response time of 1 s is not above it', seen: { ...calm, responseTimeAverage: 1 }, up: 0, down: 0 },
    { name: 'CPU above 80 %: 25 up', seen: { ...calm, cpuPercent: 80.1 }, up: 25, down: 0 },
    { name: 'CPU of 80 % is not above it', seen: { ...calm, cpuPercent: 80 }, up: 0, down: 0 },
    { name: 'memory above 85 %: 25 up', seen: { ...calm, memoryPercent: 85.1 }, up: 25, down: 0 },
    { name: 'memory of 85 % is not above it', seen: { ...calm, memoryPercent: 85 }, up: 0, down: 0 },
    { name: 'a queue above 50: 20 up', seen: { ...calm, queueLength: 51 }, up: 20, down: 0 },
    { name: 'a queue of 50 is not above it', seen: { ...calm, queueLength: 50 }, up: 0, down: 0 },
    { name: 'response time below 200 ms: 20 down', seen: { ...calm, responseTimeAverage: 0.199 }, up: 0, down: 20 },
    { name: 'response time of 200 ms is not below it', seen: { ...calm, responseTimeAverage: 0.2 }, up: 0, down: 0 },
    { name: 'CPU below 30 %: 25 down', seen: { ...calm, cpuPercent: 29.9 }, up: 0, down: 25 },
    { name: 'CPU of 30 % is not below it', seen: { ...calm, cpuPercent: 30 }, up: 0, down: 0 },
    { name: 'memory below 40 %: 25 down', seen: { ...calm, memoryPercent: 39.9 }, up: 0, down: 25 },
    { name: 'memory of 40 % is not below it', seen: { ...calm, memoryPercent: 40 }, up: 0, down: 0 },
    { name: 'fewer than 50 requests/s and Pod: 30 down', seen: { ...calm, requestRatePerPod: 49.9 }, up: 0, down: 30 },
    { name: '50 requests/s and Pod are not fewer', seen: { ...calm, requestRatePerPod: 50 }, up: 0, down: 0 },
    {
      name: 'all pressure: 100',
      seen: { responseTimeAverage: 2, cpuPercent: 99, memoryPercent: 99, queueLength: 99 },
      up: 100,
      down: 0,
    },
    { name: 'all slack: 100', seen: slack, up: 0, down: 100 },
    { name: 'nothing for what is missing', seen: {}, up: 0, down: 0 },
    {
      name: 'nothing for a response time of no request',
      seen: { ...slack, responseTimeAverage: 'idle' },
      up: 0,
      down: 80,
    },
  ])('$name', ({ seen, up, down }) => {
    const decision = score(at(seen));
    expect([decision.up.points, decision.down.points]).toEqual([up, down]);
  });
});

describe('score()', () => {
  test.each<{ name: string; seen: Seen; rest?: Partial<ScoreInput>; expected: object }>([
    {
      name: 'adds two above 50 points (30 + 25)',
      seen: { ...calm, responseTimeAverage: 1.2, cpuPercent: 85 },
      expected: { to: 8, reason: 'PressureHigh', coolsUntil: now + 300_000, memory: { lastScaledAt: now } },
    },
    {
      name: 'stays at 50 points (25 + 25)',
      seen: { ...calm, cpuPercent: 85, memoryPercent: 90 },
      expected: { to: 6, reason: 'WithinBand' },
    },
    {
      name: 'stays below (25 + 20)',
      seen: { ...calm, cpuPercent: 85, queueLength: 60 },
      expected: { to: 6, reason: 'WithinBand' },
    },
    {
      name: 'takes one away above 60 points (25 + 25 + 30)',
      seen: { ...slack, responseTimeAverage: 0.5 },
      expected: { to: 5, reason: 'PressureLow' },
    },
    {
      name: 'stays below 60 points (25 + 30)',
      seen: { ...calm, cpuPercent: 10, requestRatePerPod: 5 },
      expected: { to: 6, reason: 'WithinBand' },
    },
    {
      name: 'stays at the threshold of the way down itself',
      seen: slack,
      rest: { rules: { ...rules, scaleDown: { ...rules.scaleDown, threshold: 100 } } },
      expected: { to: 6, reason: 'WithinBand' },
    },
    {
      name: 'takes nothing away above 5 % of errors',
      seen: { ...slack, errorRatio: 0.0501 },
      expected: { to: 6, reason: 'ErrorsHigh' },
    },
    {
      name: 'takes away at 5 % of errors',
      seen: { ...slack, errorRatio: 0.05 },
      expected: { to: 5, reason: 'PressureLow' },
    },
    {
      name: 'takes nothing away while nobody knows of errors',
      seen: { ...slack, errorRatio: undefined },
      expected: { to: 6, reason: 'MetricsMissing' },
    },
    {
      name: 'takes away where nothing was answered, which is no error',
      seen: { ...slack, responseTimeAverage: 'idle', errorRatio: 'idle' },
      expected: { to: 5, reason: 'PressureLow' },
    },
    {
      name: 'takes nothing away while a metric is missing, whatever the others say',
      seen: { cpuPercent: 10, memoryPercent: 10, requestRatePerPod: 1, queueLength: 0, errorRatio: 0 },
      expected: { to: 6, reason: 'MetricsMissing', memory: { missingSince: now } },
    },
    {
      name: 'takes nothing away on figures of less than a window',
      seen: slack,
      rest: { isWarmingUp: true },
      expected: { to: 6, reason: 'WarmingUp' },
    },
    {
      name: 'takes nothing away while Pods are being replaced',
      seen: slack,
      rest: { isRollingOut: true },
      expected: { to: 6, reason: 'RollingOut', memory: {} },
    },
    {
      name: 'adds while Pods are being replaced',
      seen: { ...calm, responseTimeAverage: 1.2, cpuPercent: 85 },
      rest: { isRollingOut: true },
      expected: { to: 8, reason: 'PressureHigh' },
    },
    {
      name: 'adds on figures of less than a window',
      seen: { ...calm, responseTimeAverage: 1.2, cpuPercent: 85 },
      rest: { isWarmingUp: true },
      expected: { to: 8, reason: 'PressureHigh' },
    },
    {
      name: 'adds by what is known while a metric is missing',
      seen: { responseTimeAverage: 2, cpuPercent: 95 },
      expected: { to: 8, reason: 'PressureHigh' },
    },
    {
      name: 'stays in the last millisecond of the cooldown',
      seen: { ...calm, responseTimeAverage: 1.2, cpuPercent: 85 },
      rest: { memory: { lastScaledAt: now - 299_999 } },
      expected: { to: 6, reason: 'CoolingDown', coolsUntil: now + 1, memory: { lastScaledAt: now - 299_999 } },
    },
    {
      name: 'acts when the cooldown is over',
      seen: { ...calm, responseTimeAverage: 1.2, cpuPercent: 85 },
      rest: { memory: { lastScaledAt: now - 300_000 } },
      expected: { to: 8, reason: 'PressureHigh' },
    },
    {
      name: 'is cut short by the most replicas',
      seen: { ...calm, responseTimeAverage: 1.2, cpuPercent: 85 },
      rest: { current: 19 },
      expected: { to: 20, reason: 'PressureHigh', clippedBy: 'MaxReplicas' },
    },
    {
      name: 'is stopped by the fewest replicas, and that is no change',
      seen: slack,
      rest: { current: 2 },
      expected: { to: 2, clippedBy: 'MinReplicas', coolsUntil: undefined, memory: { lastScaledAt: undefined } },
    },
    {
      name: 'comes back into the bounds within a cooldown too',
      seen: calm,
      rest: { current: 1, memory: { lastScaledAt: now } },
      expected: { to: 2, clippedBy: 'MinReplicas' },
    },
  ])('$name', ({ seen, rest, expected }) => {
    expect(score(at(seen, rest))).toMatchObject(expected);
  });

  const fallback = { ...rules, fallback: { replicas: 9, afterMs: 180_000 } };
  test.each([
    { name: 'waits before it falls back', missing: 179_999, current: 6, to: 6, reason: 'MetricsMissing' },
    {
      name: 'falls back once metrics have been missing for as long',
      missing: 180_000,
      current: 6,
      to: 9,
      reason: 'Fallback',
    },
    { name: 'falls back to no fewer than there are', missing: 180_000, current: 12, to: 12, reason: 'MetricsMissing' },
  ])('$name', ({ missing, current, to, reason }) => {
    const decision = score(at({}, { rules: fallback, current, memory: { missingSince: now - missing } }));
    expect(decision).toMatchObject({ to, reason });
  });

  test('says which signals gave points, and which are missing', () => {
    const { up, down } = score(at({ responseTimeAverage: 1.2, cpuPercent: 85 }));
    expect(pointsText('up', up)).toBe(
      'up 55 of more than 50 (latency 1.2 > 1: +30, cpu 85 > 80: +25; memory missing, queue missing)',
    );
    expect(pointsText('down', down)).toBe('down 0 of more than 60 (memory missing, requests missing)');
  });

  test('reads every figure of a policy', () => {
    const scaler = {
      cooldown: '1m',
      scaleUp: { threshold: 10, step: 5, signals: [{ name: 'cpu', value: '60', score: 11 }] },
    };
    const { policy, problems } = effectivePolicy({ policy: { name: 'mine', spec: { scaler } } });
    expect(problems).toEqual([]);
    const decision = score(at({ ...calm, cpuPercent: 61 }, { rules: scoreRules(policy.scaler) }));
    expect(decision).toMatchObject({ to: 11, coolsUntil: now + 60_000 });
  });
});

describe('after an OOM kill', () => {
  test('little memory in use counts as missing: nothing is taken away, and it says why', () => {
    const decision = score(at(slack, { isOomKilled: true }));
    expect(decision).toMatchObject({ to: 6, reason: 'MetricsMissing', down: { points: 75 } }); // 75 > 50 would do without
    expect(pointsText('down', decision.down)).toContain('; memory not told, as a Pod was killed for its memory)');
    expect(score(at(slack))).toMatchObject({ to: 5, reason: 'PressureLow' });
  });

  test('replicas are added as ever, and it is no lack of metrics that a fallback waits for', () => {
    const busy = { ...calm, responseTimeAverage: 1.2, memoryPercent: 90 };
    expect(score(at(busy, { isOomKilled: true }))).toMatchObject({ to: 8, reason: 'PressureHigh' });
    expect(score(at(slack, { isOomKilled: true })).memory.missingSince).toBeUndefined();
  });
});
