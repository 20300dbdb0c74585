import { describe, expect, test } from '@jest/globals';
import { lookaheadAsks, scoreFloor, type ScoreFloorInput } from '../../../operator/decide/asked-floor.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { decideLookahead } from '../../../operator/decide/lookahead/decide.ts';
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
    now,
    ...rest,
  });

describe('scoreFloor()', () => {
  test('asks for a step more than the floor in force, whoever raised it', () => {
    expect(ask({ inForce: 7, memory: { floor: 3 } })).toMatchObject({
      asked: { floor: 9, reason: 'LoadHigh', heldBy: undefined },
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
});

test('lookaheadAsks() says every term in one sentence', () => {
  const sample = { arrived: 25, finished: 20, busySeconds: 160, waiting: 5, ready: 4, asked: 4, startUpSeconds: 30 };
  const decision = decideLookahead(createLookaheadMemory(settings), sample, settings);
  expect(lookaheadAsks(decision, 5, 0.8)).toMatchObject({
    floor: 7,
    reason: 'LoadHigh',
    message:
      '20 slots are asked for, of 8 s a request; trend expects 20, below 30 in 80 % of cases; that takes 32 slots and 2 for what waits: 7 replicas of 5.',
  });
});
