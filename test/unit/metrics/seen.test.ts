import { describe, expect, test } from '@jest/globals';
import type { ComponentFigures } from '../../../operator/metrics/component-figures.ts';
import { seenOf } from '../../../operator/metrics/seen.ts';

const timed = (value: number) => ({ value, observedAt: 1 });
const histogram = (counts: readonly number[], sum: number) => ({
  bounds: [1, 2, Infinity],
  counts: Float64Array.from(counts),
  sum,
  count: counts.reduce((all, count) => all + count, 0),
  observedAt: 1,
});
const figures: ComponentFigures = {
  coveredMs: 60_000,
  podsReady: 4,
  podsAnswered: 4,
  partial: [],
  cpuPercent: timed(85),
  memoryPercent: timed(40),
  requestRatePerPod: timed(3),
  queue: timed(7),
  errorRatio: timed(0.01),
  answerRate: timed(12),
  histograms: { responseTime: histogram([10, 10, 0], 25) },
};

describe('seenOf()', () => {
  test('reads each figure under the name of the contract', () => {
    expect(seenOf(figures)).toMatchObject({
      cpuPercent: 85,
      memoryPercent: 40,
      requestRatePerPod: 3,
      queueLength: 7,
      errorRatio: 0.01,
      responseTimeAverage: 1.25,
      responseTimeP50: 1,
    });
    expect(seenOf(figures).workflowsInFlight).toBeUndefined();
  });

  test('tells what nothing was asked of from what is unknown', () => {
    const { errorRatio: _, ...rest } = figures;
    const idle = seenOf({ ...rest, answerRate: timed(0), histograms: { responseTime: histogram([0, 0, 0], 0) } });
    expect([idle.errorRatio, idle.responseTimeAverage]).toEqual(['idle', 'idle']);
    const unknown = seenOf({ ...rest, histograms: {} });
    expect([unknown.errorRatio, unknown.responseTimeAverage]).toEqual([undefined, undefined]);
  });

  test.each([
    { name: 'no Pod answered', podsReady: 4, podsAnswered: 0 },
    { name: 'fewer than 70 % of them answered', podsReady: 10, podsAnswered: 6 },
  ])('sees nothing where $name', ({ podsReady, podsAnswered }) => {
    expect(seenOf({ ...figures, podsReady, podsAnswered })).toEqual({});
  });
});
