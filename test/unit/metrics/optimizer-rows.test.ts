import { expect, test } from '@jest/globals';
import {
  acceptReading,
  closeRow,
  componentColumns,
  createComponentWindow,
} from '../../../operator/metrics/component-window.ts';
import { optimizerColumns, optimizerRows } from '../../../operator/metrics/optimizer-rows.ts';
import { createRing } from '../../../operator/metrics/windows.ts';
import { podView } from '../../world/pod-view.ts';

test('rows are by the names of the contract, with shares where something was counted', () => {
  const ring = createRing(componentColumns, 10);
  const pods = { podsReady: 3, podsAnswered: 2, podsCounted: 2 };
  const busy = { ...pods, requestRate: 10, answerRate: 10, errorRate: 1, cacheHitRate: 3, cacheMissRate: 1 };
  ring.append(1, { ...busy, memoryBytes: 2 ** 30, cpuPercent: 40, responseTimeP95: 0.5, inFlight: 4, queue: 1 });
  ring.append(2, { ...pods, requestRate: 0, answerRate: 0, errorRate: 0, cacheHitRate: 0, cacheMissRate: 0 });
  const { measures, ...rows } = optimizerRows(ring.since(0, optimizerColumns));
  expect(rows).toEqual({ times: [1, 2], podsReady: [3, 3], podsAnswered: [2, 2] });
  expect(measures).toMatchObject({
    memory: [2 ** 30, NaN],
    cpuPercent: [40, NaN],
    requestRate: [10, 0],
    requestRatePerPod: [5, 0],
    responseTimeP95: [0.5, NaN],
    workflowsInFlight: [4, NaN],
    queueLength: [1, NaN],
    cacheHitRatio: [0.75, NaN],
  });
  expect(measures.errorRatio?.[0]).toBeCloseTo(0.1);
  expect(measures.errorRatio?.[1]).toBeNaN();
});

test('response times of a row are those of what was answered in it, each by its own histogram', () => {
  const options = { containerName: undefined, intervalMs: 1_000, timeoutMs: 500, history: 10, windowMs: 10_000 };
  const window = createComponentWindow(options);
  const of = (counts: readonly number[], sum: number) => ({
    bounds: [1, 2, 4, Infinity],
    counts: Float64Array.from(counts),
    sum,
    count: counts.reduce((all, count) => all + count, 0),
  });
  const reading = {
    observedAt: 900,
    elapsedMs: 1_000,
    figures: {},
    histograms: {
      responseTime: of([60, 36, 4, 0], 120),
      cachedResponseTime: of([100, 0, 0, 0], 10),
      workflowDuration: of([0, 0, 100, 0], 300),
    },
  };
  acceptReading(window, 'a', reading);
  closeRow(window, [podView('a')], 1_000);
  closeRow(window, [podView('a')], 2_000);
  const { measures } = optimizerRows(window.rows.since(0, optimizerColumns));
  const first = Object.fromEntries(Object.entries(measures).map(([name, column]) => [name, column?.[0]]));
  expect(first['responseTimeAverage']).toBeCloseTo(1.2);
  expect(first['responseTimeP50']).toBeCloseTo(50 / 60);
  expect(first['responseTimeP95']).toBeCloseTo(1 + 35 / 36);
  expect(first['responseTimeP99']).toBeCloseTo(2 + 2 * (3 / 4));
  expect(first['cachedResponseTimeP95']).toBeCloseTo(0.95);
  expect(first['workflowDurationP95']).toBeCloseTo(2 + 2 * 0.95);
  expect(measures.responseTimeAverage?.[1]).toBeNaN();
});
