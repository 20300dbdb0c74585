import { describe, expect, test } from '@jest/globals';
import { mean, quantile, spread, type Histogram } from '../../../operator/metrics/histogram.ts';

const of = (...buckets: readonly (readonly [bound: number, count: number])[]): Histogram => {
  const counts = Float64Array.from(buckets, ([, count]) => count);
  return { bounds: buckets.map(([bound]) => bound), counts, sum: 0, count: counts.reduce((a, b) => a + b, 0) };
};

describe('quantile()', () => {
  test.each<{ name: string; histogram: Histogram; q: number; expected: ReturnType<typeof quantile> }>([
    {
      name: 'interpolates from 0 in the first bucket (95 of 100 in 0..1)',
      histogram: of([1, 100], [2, 0]),
      q: 0.95,
      expected: { value: 0.95 },
    },
    {
      name: 'interpolates between two bounds (rank 95: 45 of 50 in 1..2)',
      histogram: of([1, 50], [2, 50]),
      q: 0.95,
      expected: { value: 1.9 },
    },
    {
      name: 'takes the bound itself at the edge of a bucket',
      histogram: of([1, 95], [2, 5]),
      q: 0.95,
      expected: { value: 1 },
    },
    { name: 'goes over empty buckets', histogram: of([1, 0], [2, 0], [4, 10]), q: 0.5, expected: { value: 3 } },
    {
      name: 'says only "at least" beyond the last finite bound',
      histogram: of([1, 50], [Infinity, 50]),
      q: 0.95,
      expected: { value: 1, atLeast: true },
    },
    { name: 'knows nothing without observations', histogram: of([1, 0], [Infinity, 0]), q: 0.95, expected: undefined },
    { name: 'knows nothing without finite bounds', histogram: of([Infinity, 5]), q: 0.95, expected: undefined },
    { name: 'knows nothing without buckets', histogram: of(), q: 0.95, expected: undefined },
  ])('$name', ({ histogram, q, expected }) => {
    const answer = quantile(histogram, q);
    expect(answer?.atLeast).toBe(expected?.atLeast);
    if (expected === undefined) expect(answer).toBeUndefined();
    else expect(answer?.value).toBeCloseTo(expected.value, 9);
  });
});

describe('spread()', () => {
  test.each<{ name: string; bounds: readonly number[]; most: number; expected: readonly number[] }>([
    {
      name: 'keeps what there is room for, in order',
      bounds: [3, Infinity, 1, 2],
      most: 3,
      expected: [1, 2, 3, Infinity],
    },
    { name: 'takes every second of twice as many', bounds: [1, 2, 3, 4, 5, 6], most: 3, expected: [2, 4, 6] },
    {
      name: 'keeps the greatest finite one, and +Inf beside it',
      bounds: [1, 2, 3, Infinity],
      most: 1,
      expected: [3, Infinity],
    },
    { name: 'takes a bound that stands there twice for one', bounds: [1, 1, 2], most: 2, expected: [1, 2] },
    { name: 'keeps +Inf alone where there is no room', bounds: [1, Infinity], most: 0, expected: [Infinity] },
  ])('$name', ({ bounds, most, expected }) => {
    expect(spread(bounds, most)).toEqual(expected);
  });
});

test('mean() of nothing is unknown', () => {
  expect([mean({ sum: 3, count: 2 }), mean({ sum: 0, count: 0 })]).toEqual([1.5, undefined]);
});
