import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { quantile, together, type Histogram } from '../../../operator/metrics/histogram.ts';
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
  test('what one quantile is known of has no other, while any of it is in the window: a median of it would be a p95', () => {
    const ring = createHistogramRing(5);
    const known = (since: number) => {
      const histogram = ring.since(since);
      return [0.5, 0.95, 0.99].map((share) => histogram !== undefined && quantile(histogram, share) !== undefined);
    };
    ring.append(10, together(of([1, 2], 0, 4), { ...of([1, 2], 0, 6), only: 0.95 }));
    ring.append(20, of([1, 2], 5, 5));
    expect(known(0)).toEqual([false, true, false]);
    expect(known(10)).toEqual([true, true, true]);
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
  test('is bounded to 64 buckets, and keeps the greatest: 90 of 100 observations above 17 s are seen there by every quantile (70 buckets)', () => {
    const many = [...Array.from({ length: 69 }, (_, n) => 0.001 * 1.1553 ** (n + 1)), Infinity];
    const slow = many.findIndex((bound) => bound >= 17.9);
    const ring = createHistogramRing(31);
    ring.append(10, of(many, ...many.map((_, index) => (index === slow ? 90 : index === 10 ? 10 : 0))));
    const seen = ring.since(0);
    expect(seen?.bounds).toHaveLength(64);
    expect(seen?.bounds.slice(-2)).toEqual(many.slice(-2));
    expect(seen?.counts.reduce((a, b) => a + b, 0)).toBe(100);
    const p95 = seen === undefined ? undefined : quantile(seen, 0.95);
    expect(p95?.value).toBeGreaterThan(many[slow - 1] ?? NaN);
    expect(p95?.value).toBeLessThan(many[slow] ?? NaN);
  });
  test('loses no observation and keeps every greatest bound, whatever buckets follow one another', () => {
    const bound = fc.oneof(fc.constant(Infinity), fc.double({ min: 1e-4, max: 1e4, noNaN: true }));
    const page = fc.uniqueArray(bound, { minLength: 1, maxLength: 90 }).map((all) => all.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(fc.array(page, { minLength: 1, maxLength: 6 }), (pages) => {
        const ring = createHistogramRing(8);
        for (const [at, bounds] of pages.entries()) ring.append(at + 1, of(bounds, ...bounds.map(() => 1)));
        const seen = ring.since(0);
        expect(seen?.bounds.length).toBeLessThanOrEqual(64);
        expect(seen?.bounds.at(-1)).toBe(Math.max(...pages.flat()));
        expect(seen?.counts.reduce((a, b) => a + b, 0)).toBe(pages.flat().length);
        expect(ring.bytes).toBeLessThanOrEqual(8 * (8 + 4 * 66));
      }),
    );
  });
  test('buckets that are empty by now make room: a view’s percentile stays within 12 % while it moves from 1 ms to 100 s', () => {
    const ring = createHistogramRing(31);
    for (let at = 1; at <= 900; at++) {
      const upper = 1.12 ** Math.ceil(Math.log(0.001 * 10 ** (at / 180)) / Math.log(1.12));
      ring.append(at, of([upper / 1.12, upper], 0, 5));
      const newest = ring.since(at - 1);
      expect(newest === undefined ? undefined : quantile(newest, 0.95)?.value).toBeGreaterThanOrEqual(upper / 1.12);
      expect(newest === undefined ? undefined : quantile(newest, 0.95)?.value).toBeLessThanOrEqual(upper * 1.0001);
    }
    expect(ring.since(0)?.bounds.length).toBeLessThanOrEqual(64);
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
