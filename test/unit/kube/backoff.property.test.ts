import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { backoffMs } from '../../../operator/kube/backoff.ts';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const limits = fc.record({ baseMs: fc.integer({ min: 1, max: 1000 }), capMs: fc.integer({ min: 1000, max: 100_000 }) });

test('stays between half of the doubled delay and the cap, also after thousands of attempts', () => {
  fc.assert(
    fc.property(limits, fc.integer({ min: 1, max: 5000 }), chance, (backoff, attempt, random) => {
      const delay = backoffMs(backoff, attempt, () => random);
      const full = Math.min(backoff.capMs, backoff.baseMs * 2 ** (attempt - 1));
      expect(delay).toBeGreaterThanOrEqual(full / 2);
      expect(delay).toBeLessThanOrEqual(full);
    }),
  );
});

test('doubles: 100, 200, 400, 800, then the cap of 1000', () => {
  const delays = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs({ baseMs: 100, capMs: 1000 }, attempt, () => 0) * 2);
  expect(delays).toEqual([100, 200, 400, 800, 1000, 1000]);
});
