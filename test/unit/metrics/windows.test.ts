import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { together, type Histogram } from '../../../operator/metrics/histogram.ts';
import { createHistogramRing } from '../../../operator/metrics/histogram-window.ts';
import { createRing } from '../../../operator/metrics/windows.ts';

describe('createRing()', () => {
  test('is the last rows, whatever its capacity and the number of appends', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat(1000), { maxLength: 120 }),
        fc.nat(130),
        (capacity, values, since) => {
          const ring = createRing(['a', 'b'], capacity);
          for (const [at, value] of values.entries()) ring.append(at, { b: value });
          const expected = values
            .map((value, at) => ({ value, at }))
            .slice(-capacity)
            .filter(({ at }) => at > since);
          const { times, figures } = ring.since(since, ['b', 'a']);
          expect([...times]).toEqual(expected.map(({ at }) => at));
          expect([...figures.b]).toEqual(expected.map(({ value }) => value));
          expect([...figures.a]).toEqual(expected.map(() => NaN));
          expect(ring.length).toBe(Math.min(capacity, values.length));
          expect(ring.newestAt).toBe(values.length === 0 ? undefined : values.length - 1);
        },
      ),
    );
  });

  test('1000 rows of 14 figures take 64 kB: 64 MB for 1000 services', () => {
    const columns = Array.from({ length: 14 }, (_, n) => `c${n}`);
    const ring = createRing(columns, 1_000);
    for (let at = 0; at < 2_500; at++) ring.append(at, {});
    expect(ring.bytes).toBe(1_000 * (8 + 14 * 4));
  });
});

const of = (bounds: readonly number[], ...counts: readonly number[]): Histogram => ({
  bounds,
  counts: Float64Array.from(counts),
  sum: counts.length,
  count: counts.reduce((a, b) => a + b, 0),
});

describe('createHistogramRing()', () => {
  test('sums what is later than a time, and says when it was last known', () => {
    const ring = createHistogramRing(3);
    for (const at of [10, 20, 30, 40]) ring.append(at, of([1, Infinity], at, 1));
    expect(ring.since(25)).toEqual({
      bounds: [1, Infinity],
      counts: Float64Array.of(70, 2),
      sum: 4,
      count: 72,
      observedAt: 40,
    });
    expect(ring.since(0)?.counts[0]).toBe(90); // the first of the four is gone
    expect(ring.since(40)).toBeUndefined();
  });
  test('a gap is no knowledge', () => {
    const ring = createHistogramRing(5);
    ring.append(10, undefined);
    expect([ring.since(0), ring.bytes]).toEqual([undefined, 40]); // nobody serves it: the times alone
    ring.append(20, of([1], 5));
    ring.append(30, undefined);
    expect(ring.since(0)).toMatchObject({ count: 5, observedAt: 20 });
    expect(ring.since(20)).toBeUndefined();
  });
  test('a roll-out that changes the buckets keeps the observations of both versions', () => {
    const ring = createHistogramRing(5);
    ring.append(10, of([1, Infinity], 3, 1));
    ring.append(20, of([0.5, 2, Infinity], 2, 4, 6));
    expect(ring.since(0)).toMatchObject({
      bounds: [0.5, 1, 2, Infinity],
      counts: Float64Array.of(2, 3, 4, 7),
      count: 16,
    });
  });
  test('is bounded: what is beyond 64 buckets counts towards the next greater', () => {
    const ring = createHistogramRing(2);
    const many = Array.from({ length: 63 }, (_, n) => n + 1);
    ring.append(10, of([...many, Infinity], ...many.map(() => 0), 0));
    ring.append(20, of([0.5, 70], 2, 3));
    expect(ring.since(0)?.bounds).toHaveLength(64);
    expect([ring.since(0)?.counts[0], ring.since(0)?.counts.at(-1)]).toEqual([2, 3]);
  });
});

test('together() loses no observation', () => {
  expect(together(undefined, of([1], 2))).toEqual(of([1], 2));
  expect(together(of([1, 2], 1, 1), of([1, 2], 2, 3))).toMatchObject({
    counts: Float64Array.of(3, 4),
    count: 7,
    sum: 4,
  });
  expect(together(of([1, 3], 1, 1), of([2], 5))).toMatchObject({
    bounds: [1, 2, 3],
    counts: Float64Array.of(1, 5, 1),
    count: 7,
  });
});
