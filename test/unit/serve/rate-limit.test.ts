import { expect, test } from '@jest/globals';
import { createRateLimit } from '../../../operator/serve/rate-limit.ts';

test('lets a burst through, then so many a second, each address by itself', () => {
  const limit = createRateLimit({ perSecond: 10, atOnce: 3 });
  const taken = (address: string, now: number) => limit.take(address, now);
  expect([0, 0, 0, 0].map((now) => taken('a', now))).toEqual([true, true, true, false]);
  expect(taken('b', 0)).toBe(true);
  expect([99, 100, 150, 200].map((now) => taken('a', now))).toEqual([false, true, false, true]);
  expect(taken('a', 60_000)).toBe(true);
  expect([60_000, 60_000, 60_000].map((now) => taken('a', now))).toEqual([true, true, false]); // a long pause saves up no more than a burst
});

test('a thousand addresses are remembered, no more', () => {
  const limit = createRateLimit({ perSecond: 1, atOnce: 1 });
  for (let n = 0; n < 1_001; n++) limit.take(String(n), 0);
  expect([limit.take('1', 0), limit.take('0', 0)]).toEqual([false, true]);
});
