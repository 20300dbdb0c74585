import { describe, expect, test } from '@jest/globals';
import { arrivals } from '../../../workload/load/arrivals.ts';
import { constant, parseProfile, ramp, steps, totalRequests } from '../../../workload/load/profile.ts';

describe('arrivals()', () => {
  test('spreads 4 requests a second evenly, each in the middle of its quarter', () => {
    expect([...arrivals(constant(4, 1), 'Uniform', 1)]).toEqual([125, 375, 625, 875]);
  });

  test('sends the last of a ramp from 0 to 2 in two seconds near its end (x² / 2 = 1.5 at 1.732 s)', () => {
    const [first, last] = [...arrivals(ramp(0, 2, 2), 'Uniform', 1)];
    expect(first).toBeCloseTo(1000, 6); // x² / 2 = 0.5
    expect(last).toBeCloseTo(Math.sqrt(3) * 1000, 6);
  });

  test('is silent while the rate is 0', () => {
    const due = [...arrivals(steps([{ seconds: 5, rate: 0 }, { seconds: 1, rate: 3 }]), 'Uniform', 1)]; // prettier-ignore
    expect(due).toHaveLength(3);
    expect(due.every((ms) => ms > 5000)).toBe(true);
  });

  test('has the gaps of a Poisson process: mean and standard deviation are 1 / rate, to 3 %', () => {
    const due = [...arrivals(constant(100, 200), 'Poisson', 7)];
    const gaps = due.slice(1).map((ms, index) => ms - (due[index] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean / 10).toBeCloseTo(1, 1);
    expect(Math.abs(mean - 10)).toBeLessThan(0.3);
    expect(Math.abs(deviation - 10)).toBeLessThan(0.3);
  });
});

describe('parseProfile()', () => {
  test('reads rates and the seconds to get there', () => {
    const profile = parseProfile('50@0, 50@60,200@30');
    expect(profile).toEqual([
      { seconds: 0, rate: 50 },
      { seconds: 60, rate: 50 },
      { seconds: 30, rate: 200 },
    ]);
    expect(totalRequests(profile)).toBe(50 * 60 + 125 * 30);
  });

  test.each(['50', '50@', '@5', '-1@10', 'x@1', '1@Infinity', '1@2@3', ''])('refuses "%s" with an example', (text) => {
    expect(() => parseProfile(text)).toThrow('wanted RATE@SECONDS, for example');
  });
});
