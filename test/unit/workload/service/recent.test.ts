import { describe, expect, test } from '@jest/globals';
import { Recent } from '../../../workload/service/recent.ts';

describe('Recent', () => {
  test('says nothing of a window in which nothing ended', () => {
    const recent = new Recent(10, 60_000);
    recent.add(0, 1, false);
    expect(recent.summary(60_001)).toEqual({ ratePerSecond: 0, p95Seconds: null, successRatio: null });
  });

  test('gives rate, p95 and success of the window (100 in 60 s, every fifth failed)', () => {
    const recent = new Recent(1000, 60_000);
    for (let index = 1; index <= 100; index += 1) recent.add(1000 + index, index / 100, index % 5 === 0);
    const { ratePerSecond, p95Seconds, successRatio } = recent.summary(2000);
    expect(ratePerSecond).toBeCloseTo(100 / 60, 9);
    expect(p95Seconds).toBe(0.95);
    expect(successRatio).toBeCloseTo(0.8, 9);
  });

  test('knows the rate also when more came than it keeps: 10 kept of 1 every 100 ms', () => {
    const recent = new Recent(10, 60_000);
    for (let index = 0; index < 500; index += 1) recent.add(index * 100, 0.1, false);
    expect(recent.summary(49_900 + 100).ratePerSecond).toBeCloseTo(10, 9);
  });
});
