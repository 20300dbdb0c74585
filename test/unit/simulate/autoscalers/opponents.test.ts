import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import { autoscalerOf, type AutoscalerName } from '../../../../operator/simulate/autoscalers/named.ts';
import { startRun } from '../../../../operator/simulate/run.ts';
import type { Service } from '../../../../operator/simulate/service.ts';

const { policy } = effectivePolicy({});
const service: Service = {
  slots: 4,
  serviceSeconds: 1,
  serviceCv: 0.6,
  objectiveSeconds: 4,
  startUpSeconds: 30,
  minReplicas: 2,
  maxReplicas: 20,
};

/** Replicas asked for when `load` (slots that are busy, by second) arrives in even steps of exactly 1 s of work each. */
function replicasOver(name: AutoscalerName, lengthSeconds: number, load: (second: number) => number, replicas = 2) {
  const arrivals: number[] = [];
  for (let second = 0; second < lengthSeconds; second++)
    for (let request = 0; request < load(second); request++) arrivals.push(second + request / load(second));
  const run = startRun({
    requests: { arrivals: Float64Array.from(arrivals), serviceTimes: new Float64Array(arrivals.length).fill(1) },
    service,
    lengthSeconds,
    replicas,
    autoscaler: autoscalerOf(name, { policy, service }),
    seed: 1,
  });
  run.advance(Infinity);
  return run.outcome().decisions;
}

describe('the HPA of J1 (CPU 70 %)', () => {
  test('stays within a tenth of its target (6 of 8 slots are 75 %)', () => {
    expect(replicasOver('hpa', 1200, () => 6)).toEqual([[0, 2]]);
  });

  test('adds what the ratio asks for once a minute of recommendations agrees (8 of 8 slots: ceil(100/70 × 2) = 3)', () => {
    // The sync at 0 recommended two, as what there was: that is out of the window at 60.
    const decisions = replicasOver('hpa', 300, () => 8);
    expect(decisions[1]).toEqual([60, 3]);
  });

  test('does not count a Pod that has just started for idle: 8 slots on 3 Pods stay (67 %)', () => {
    expect(replicasOver('hpa', 600, () => 8)).toHaveLength(2);
  });

  test('takes away half at most, once five minutes of recommendations agree', () => {
    const decisions = replicasOver('hpa', 1200, () => 1, 16);
    expect(decisions[1]?.[1]).toBe(8);
    expect(decisions[1]?.[0]).toBeGreaterThanOrEqual(300);
    expect(decisions[1]?.[0]).toBeLessThanOrEqual(330);
    // Memory asks for ceil(35/80 × replicas): 7 of 16, then 4 of 8 or 7, then 2.
    expect(decisions.slice(2).map(([, replicas]) => replicas)).toEqual([7, 4, 2]);
  });

  test('doubles at most, or adds four, whatever is asked for', () => {
    const decisions = replicasOver('hpa', 400, (second) => (second < 60 ? 4 : 80));
    const [, first] = decisions;
    expect(first?.[1]).toBeLessThanOrEqual(6);
  });
});

describe('the KPA', () => {
  test('keeps concurrency at 70 % of the slots (13 in the system: 5 Pods)', () => {
    expect(replicasOver('kpa', 600, () => 13, 5)).toEqual([[0, 5]]);
  });

  test('panics by six seconds, not by a minute', () => {
    const [, first] = replicasOver('kpa', 300, (second) => (second < 100 ? 4 : 40));
    expect(first?.[0]).toBeLessThanOrEqual(106);
  });

  test('takes nothing away in a panic, and halves at most after it', () => {
    const decisions = replicasOver('kpa', 400, (second) => (second < 100 ? 4 : second < 110 ? 40 : 1));
    const most = Math.max(...decisions.map(([, replicas]) => replicas));
    const fall = decisions.find(([at, replicas]) => at > 110 && replicas < most);
    expect(fall?.[0]).toBeGreaterThan(160);
    expect(fall?.[1]).toBeGreaterThanOrEqual(Math.floor(most / 2));
  });
});

describe('a scaler over the HPA', () => {
  test('raises its floor, which acts at the next sync and past the behavior of the HPA', () => {
    const load = (second: number): number => (second < 700 ? 4 : 24);
    const alone = replicasOver('hpa', 1200, load);
    const over = replicasOver('lookahead+hpa', 1200, load);
    const first = (decisions: typeof alone, least: number) => decisions.find(([, replicas]) => replicas >= least)?.[0];
    expect(first(over, 7)).toBeLessThan(first(alone, 7) ?? 0);
    for (const [at] of over) expect(at % 15).toBe(0);
  });
});
