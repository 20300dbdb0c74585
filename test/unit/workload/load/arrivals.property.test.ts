import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { arrivals } from '../../../workload/load/arrivals.ts';
import { durationSeconds, rateAt, totalRequests, type Profile } from '../../../workload/load/profile.ts';

const profiles: fc.Arbitrary<Profile> = fc.array(
  fc.record({ seconds: fc.integer({ min: 0, max: 30 }), rate: fc.integer({ min: 0, max: 200 }) }),
  { minLength: 1, maxLength: 5 },
);

/** Asked of thousands of numbers at a time, of which a matcher would take each apart. */
const isInOrderWithin = (due: readonly number[], profile: Profile): boolean =>
  due.every((ms, n) => ms >= (due[n - 1] ?? 0) && ms <= durationSeconds(profile) * 1000);

test('uniform arrivals are as many as the area under the profile, in order and within it', () => {
  fc.assert(
    fc.property(profiles, (profile) => {
      const due = [...arrivals(profile, 'Uniform', 1)];
      expect(Math.abs(due.length - totalRequests(profile))).toBeLessThanOrEqual(0.5 + 1e-6);
      expect(isInOrderWithin(due, profile)).toBe(true);
    }),
  );
});

test('up to every moment as many uniform arrivals have come as the area up to it, to within half a request', () => {
  fc.assert(
    fc.property(profiles, fc.double({ min: 0, max: 1, noNaN: true }), (profile, part) => {
      const until = durationSeconds(profile) * part;
      const come = [...arrivals(profile, 'Uniform', 1)].filter((ms) => ms <= until * 1000).length;
      expect(Math.abs(come - areaUntil(profile, until))).toBeLessThanOrEqual(0.5 + 1e-6);
    }),
  );
});

test('Poisson arrivals are in order, within the profile, and the same for the same seed', () => {
  fc.assert(
    fc.property(profiles, fc.integer(), (profile, seed) => {
      const due = [...arrivals(profile, 'Poisson', seed)];
      expect(isInOrderWithin(due, profile)).toBe(true);
      expect(isDeepStrictEqual([...arrivals(profile, 'Poisson', seed)], due)).toBe(true);
    }),
  );
});

/** The area up to a moment, put together from the profile's own stretches: another way than the code goes. */
function areaUntil(profile: Profile, until: number): number {
  let [start, from, area] = [0, 0, 0];
  for (const { seconds, rate } of profile) {
    const inside = Math.min(Math.max(until - start, 0), seconds);
    if (inside > 0) area += inside * (from + ((rate - from) * inside) / seconds / 2);
    [start, from] = [start + seconds, rate];
  }
  return area;
}

test('the rate between two points is on the line between them', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(200), fc.double({ min: 0, max: 0.999, noNaN: true }), (from, to, part) => {
      const profile = [
        { seconds: 0, rate: from },
        { seconds: 10, rate: to },
      ];
      expect(rateAt(profile, part * 10)).toBeCloseTo(from + (to - from) * part, 6);
    }),
  );
});
