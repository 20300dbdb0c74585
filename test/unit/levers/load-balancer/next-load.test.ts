import { describe, expect, test } from '@jest/globals';
import {
  differingSince,
  hasRevived,
  nextLoad,
  settingsToServe,
  tryAgainAt,
} from '../../../../operator/levers/load-balancer/next-load.ts';
import { settingsFor } from './settings.ts';

type Input = Parameters<typeof nextLoad>[0];
const now = 1_000_000;
const calm: Input = {
  wanted: { generation: 'b', since: now - 10_000 },
  loaded: { generation: 'a', at: now - 60_000 },
  isUrgent: false,
  drainingGenerations: 0,
  minIntervalMs: 30_000,
  jitterMs: 1_000,
  now,
};

describe('nextLoad()', () => {
  test.each<{ name: string; given: Partial<Input>; next: ReturnType<typeof nextLoad> }>([
    { name: 'loads what is new', given: {}, next: { action: 'load' } },
    {
      name: 'does nothing where it is loaded',
      given: { wanted: { generation: 'a', since: now } },
      next: { action: 'nothing' },
    },
    {
      name: 'loads the first at once',
      given: { loaded: undefined, wanted: { generation: 'b', since: now } },
      next: { action: 'load' },
    },
    {
      name: 'waits the last millisecond of the interval',
      given: { loaded: { generation: 'a', at: now - 29_999 } },
      next: { action: 'wait', delayMs: 1 },
    },
    {
      name: 'loads at the end of the interval',
      given: { loaded: { generation: 'a', at: now - 30_000 } },
      next: { action: 'load' },
    },
    {
      name: 'waits for its place among the replicas',
      given: { wanted: { generation: 'b', since: now - 400 } },
      next: { action: 'wait', delayMs: 600 },
    },
    {
      name: 'does not let requests fail meanwhile',
      given: { isUrgent: true, loaded: { generation: 'a', at: now } },
      next: { action: 'load' },
    },
    {
      name: 'waits while two configurations drain, also in a hurry',
      given: { isUrgent: true, drainingGenerations: 2 },
      next: { action: 'wait', delayMs: 1_000 },
    },
  ])('$name', ({ given, next }) => {
    expect(nextLoad({ ...calm, ...given })).toEqual(next);
  });
});

test('differingSince() counts from the first generation that is not loaded, until it or an equal one is', () => {
  const since = (before: number | undefined, wanted: string, at: number) =>
    differingSince(before, { wanted, loaded: 'a', now: at });
  expect(since(undefined, 'b', 1_000)).toBe(1_000);
  expect(since(1_000, 'c', 2_000)).toBe(1_000);
  expect(since(1_000, 'a', 2_000)).toBeUndefined();
});

describe('settingsToServe()', () => {
  const [old, declared] = [settingsFor(), settingsFor({ gzip: { level: 7 } })];
  const failed = { hash: declared.hash, at: now, times: 1, message: 'no' };
  test.each([
    { name: 'what is declared', given: { declared, loaded: old, failed: undefined }, serves: declared },
    {
      name: 'what it took last while what is declared is refused',
      given: { declared, loaded: old, failed },
      serves: old,
    },
    {
      name: 'what it took last in the last millisecond before another try',
      given: { declared, loaded: old, failed: { ...failed, at: now - 1_999 } },
      serves: old,
    },
    {
      name: 'what is declared when it is time to try again',
      given: { declared, loaded: old, failed: { ...failed, at: now - 2_000 } },
      serves: declared,
    },
    {
      name: 'what is declared anew',
      given: { declared, loaded: old, failed: { ...failed, hash: old.hash } },
      serves: declared,
    },
    {
      name: 'what it took last when nothing is declared any more',
      given: { declared: undefined, loaded: old, failed: undefined },
      serves: old,
    },
    {
      name: 'nothing where nothing ever was',
      given: { declared: undefined, loaded: undefined, failed: undefined },
      serves: undefined,
    },
  ])('is $name', ({ given, serves }) => {
    expect(settingsToServe({ ...given, now })).toBe(serves);
  });
});

test('tryAgainAt() is soon at first, and every half minute in the end', () => {
  const after = [1, 2, 4, 5, 50].map((times) => tryAgainAt({ hash: 'a', at: now, times, message: 'no' }) - now);
  expect(after).toEqual([2_000, 4_000, 16_000, 30_000, 30_000]);
});

test('hasRevived() sees only an upstream that had no Pod', () => {
  const pod = { address: '10.0.0.1', port: 1 };
  expect(hasRevived({ a: [] }, { a: [pod] })).toBe(true);
  expect(hasRevived({ a: [pod] }, { a: [pod, { ...pod, port: 2 }] })).toBe(false);
  expect(hasRevived({ a: [pod] }, { a: [] })).toBe(false);
});
