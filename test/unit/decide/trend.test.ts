import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { trendOf, type TrendRows } from '../../../operator/decide/trend.ts';

const { rating } = effectivePolicy({}).policy;
const nothing = (rows: number) => new Float32Array(rows).fill(NaN);
/** Columns that are not given are gaps. */
const component = (columns: Partial<Record<keyof TrendRows, readonly number[]>>, count = 3): TrendRows => {
  const of = (name: keyof TrendRows, others = nothing(count)) => Float32Array.from(columns[name] ?? others);
  const pods = new Float32Array(count).fill(2);
  return {
    cpuPercent: of('cpuPercent'),
    memoryBytes: of('memoryBytes'),
    activeConnections: of('activeConnections'),
    requestRate: of('requestRate'),
    answerRate: of('answerRate'),
    errorRate: of('errorRate'),
    responseTimeP95: of('responseTimeP95'),
    cacheHitRate: of('cacheHitRate'),
    cacheMissRate: of('cacheMissRate'),
    podsReady: of('podsReady', pods),
    podsAnswered: of('podsAnswered', pods),
    requestRatePartial: of('requestRatePartial', new Float32Array(count)),
    activeConnectionsPartial: of('activeConnectionsPartial', new Float32Array(count)),
  };
};
const trend = (components: readonly TrendRows[], cacheServer?: { hitRatio: number | undefined }) =>
  trendOf({ rating, windowSeconds: 300, components, cacheServer });

describe('trendOf()', () => {
  test('takes means over the snapshots in which a figure is known', () => {
    const { averages, count } = trend([component({ cpuPercent: [40, NaN, 60], requestRate: [10, 20, NaN] })]);
    expect(averages).toMatchObject({ cpuPercent: 50, requestRate: 15 });
    expect(count).toBe(3);
  });
  test('counts no snapshot that says nothing', () => {
    expect(trend([component({ cpuPercent: [NaN, 1, NaN] })]).count).toBe(1);
  });
  test('adds loads of components up, and takes the worst of the rest', () => {
    const two = [
      component({ requestRate: [10, 10, 10], cpuPercent: [30, 30, 30] }),
      component({ requestRate: [5, 5, 5], cpuPercent: [70, 70, 70] }),
    ];
    expect(trend(two).averages).toMatchObject({ requestRate: 15, cpuPercent: 70 });
  });
  test('takes loads of the snapshots alone in which every Pod told its own', () => {
    const rows = { requestRate: [10, 4, 20], activeConnections: [6, 2, 9], podsAnswered: [2, 1, 2] };
    expect(trend([component({ ...rows, requestRatePartial: [0, 0, 1] })]).averages).toMatchObject({
      requestRate: 10,
      activeConnections: 7.5, // what a Pod leaves out of one load is no matter of the other
    });
    expect(trend([component({ ...rows, activeConnectionsPartial: [0, 0, 1] })]).averages).toMatchObject({
      requestRate: 15,
      activeConnections: 6,
    });
    expect(trend([component({ ...rows, podsReady: [0, 0, 0] })]).averages.requestRate).toBeCloseTo(34 / 3);
  });
  test('knows no load of all where one component told none of its own', () => {
    const told = component({ requestRate: [10, 10, 10], cpuPercent: [40, 40, 40] });
    const silent = component({ podsAnswered: [0, 0, 0] });
    expect(trend([told, silent]).averages).toMatchObject({ requestRate: undefined, cpuPercent: 40 });
    expect(trend([told, component({})]).averages.requestRate).toBe(10); // answers, and counts no requests
    expect(trend([told, component({}, 0)]).averages.requestRate).toBe(10);
  });
  test('takes shares of everything together: a busy moment weighs more (1 + 9 of 110)', () => {
    const { averages } = trend([component({ answerRate: [10, 100, NaN], errorRate: [1, 9, 5] })]);
    expect(averages.errorRatio).toBeCloseTo(10 / 110);
  });
  test('grades the averages: 25 for cpu of 49 %, 0 for a p95 of 3 s, 25 for a hit ratio of 0.9 of the cache server', () => {
    const rows = component({ cpuPercent: [49, 49, 49], responseTimeP95: [3, 3, 3], cacheHitRate: [0, 0, 0] });
    expect(trend([rows], { hitRatio: 0.9 }).rating).toMatchObject({ score: 50, scoredOf: 75 });
  });
  test('knows nothing where nothing was measured, also where nothing was asked of a cache', () => {
    const answer = trend([component({ cacheHitRate: [0, 0, 0], cacheMissRate: [0, 0, 0] })]);
    expect(Object.values(answer.averages).filter((value) => value !== undefined)).toEqual([]);
    expect(answer.rating).toEqual({ grade: 'Unknown', scoredOf: 0 });
    expect(trend([]).count).toBe(0);
  });
});
