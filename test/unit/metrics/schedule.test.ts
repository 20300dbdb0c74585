import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { nextTurn } from '../../../operator/metrics/schedule.ts';

describe('nextTurn()', () => {
  const interval = 10_000;
  test('is later than now, by at most the interval, and always at the same place in it', () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0, max: 1e9, noNaN: true }), (key, now) => {
        const turn = nextTurn(key, interval, { now });
        expect(turn).toBeGreaterThan(now - 1e-6);
        expect(turn - now).toBeLessThanOrEqual(interval + 1e-6);
        const next = nextTurn(key, interval, { now: turn + 1 });
        expect(next - turn).toBeCloseTo(interval, 3);
        expect(nextTurn(key, interval, { now, after: 8 }) - turn).toBeCloseTo(7 * interval, 3);
      }),
    );
  });
  test('spreads keys over the interval: of 1000, each tenth of it has 60 to 140', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 1_000; n++) {
      const tenth = Math.floor(nextTurn(`pod-${n}`, interval, { now: 0 }) / 1_000) % 10;
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(60);
    expect(Math.max(...tenths)).toBeLessThan(140);
  });
  test.each([
    { name: 'together, a quarter of a second apart', interval: 10_000, places: 40 },
    { name: 'together where the distance is no whole number of milliseconds', interval: 1_001, places: 40 },
  ])('with places keys are due $name: of 1000 each place has 8 to 50', ({ interval: own, places }) => {
    const turns = Array.from({ length: 1_000 }, (_, n) => nextTurn(`pod-${n}`, own, { now: 0, places }));
    const counts = Map.groupBy(turns, (turn) => Math.round(turn * 1_000));
    expect(counts.size).toBe(places);
    for (const [at, { length }] of counts) {
      expect((at / 1_000 / own) * places).toBeCloseTo(Math.round((at / 1_000 / own) * places), 3);
      expect(length).toBeGreaterThanOrEqual(8);
      expect(length).toBeLessThanOrEqual(50);
    }
  });
});
