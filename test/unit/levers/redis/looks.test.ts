import { describe, expect, test } from '@jest/globals';
import { createLooks } from '../../../../operator/levers/redis/looks.ts';

const at = (hits: number, misses: number, uptimeSeconds = 1_000) => ({ hits, misses, uptimeSeconds });

describe('what was looked up of late', () => {
  test('is counted from the start of the server at the first look, and from the look before afterwards', () => {
    const looks = createLooks();
    expect(looks.note('run', at(900, 100), 0).recent).toEqual({ ratio: 0.9, lookupsPerSecond: 1, isAverage: true });
    expect(looks.note('run', at(1_000, 200), 10_000).recent).toEqual({ ratio: 0.5, lookupsPerSecond: 20 });
    expect(looks.note('other', at(0, 0), 10_000).recent).toBeUndefined();
  });
  test('is counted from the start where there was too little, or where the totals began anew', () => {
    const looks = createLooks();
    looks.note('run', at(900, 100), 0);
    expect(looks.note('run', at(998, 101), 10_000).recent?.ratio).toBeCloseTo(998 / 1_099); // 99 since
    expect(looks.note('run', at(75, 25, 50), 20_000).recent).toEqual({
      ratio: 0.75,
      lookupsPerSecond: 2,
      isAverage: true,
    });
  });
  test('is without our own look-ups, until the server forgets them too', () => {
    const looks = createLooks();
    looks.note('run', at(900, 100), 0);
    looks.own('run', { hits: 1_000, misses: 1 });
    expect(looks.note('run', at(2_000, 201), 10_000)).toEqual({
      lookups: { hits: 1_000, misses: 200 },
      recent: { ratio: 0.5, lookupsPerSecond: 20 },
    });
    expect(looks.note('run', at(30, 90, 10), 20_000).lookups).toEqual({ hits: 30, misses: 90 });
  });
});
