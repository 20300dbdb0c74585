import { describe, expect, test } from '@jest/globals';
import { workWithin, type DatabaseSample } from '../../../operator/decide/database-server.ts';

const sample = (at: number, totals: Partial<DatabaseSample> = {}): DatabaseSample => ({
  at,
  epoch: 'first',
  transactions: 0,
  blocksHit: 0,
  blocksRead: 0,
  deadlocks: 0,
  tempBytes: 0,
  ...totals,
});
const before = sample(10_000, { transactions: 1_000, blocksHit: 5_000, blocksRead: 900, deadlocks: 7, tempBytes: 1e9 });
const after = sample(40_000, { transactions: 1_300, blocksHit: 5_090, blocksRead: 910, deadlocks: 8, tempBytes: 3e9 });
/** 300 transactions in 30 s, 90 of 100 blocks found. */
const work = { transactionsPerSecond: 10, cacheHitRatio: 0.9, deadlocks: 1, tempBytes: 2e9 };
const greater = { transactions: 2_000, blocksHit: 9_000, blocksRead: 5_000, deadlocks: 20, tempBytes: 9e9 };
const anew = sample(70_000, { epoch: 'second', ...greater });

describe('workWithin()', () => {
  test.each<{ name: string; samples: readonly DatabaseSample[]; since?: number; expected: object | undefined }>([
    { name: 'is what was counted between the looks of the window', samples: [before, after], expected: work },
    { name: 'is not known by one look', samples: [after], expected: undefined },
    { name: 'leaves out what is older than the window', samples: [before, after], since: 10_000, expected: undefined },
    {
      name: 'does not take for work what stood there after a reset, though all totals are greater',
      samples: [before, after, anew],
      expected: work,
    },
    {
      name: 'takes a total that fell for a reset: after a crash nothing else tells',
      samples: [before, after, { ...anew, epoch: 'first', deadlocks: 0 }],
      expected: work,
    },
    {
      name: 'goes on after a reset, over the time that is known (300 + 600 in 30 + 30 s)',
      samples: [before, after, anew, { ...anew, at: 100_000, transactions: 2_600, blocksHit: 9_100 }],
      expected: { transactionsPerSecond: 15, cacheHitRatio: 0.95, deadlocks: 1, tempBytes: 2e9 },
    },
    {
      name: 'has no ratio of 19 blocks',
      samples: [before, { ...before, at: 40_000, blocksHit: 5_019 }],
      expected: { transactionsPerSecond: 0, cacheHitRatio: undefined, deadlocks: 0, tempBytes: 0 },
    },
    {
      name: 'has one of 20',
      samples: [before, { ...before, at: 40_000, blocksHit: 5_015, blocksRead: 905 }],
      expected: { transactionsPerSecond: 0, cacheHitRatio: 0.75, deadlocks: 0, tempBytes: 0 },
    },
    { name: 'is not known of two looks in one moment', samples: [before, before], expected: undefined },
  ])('$name', ({ samples, since = 0, expected }) => {
    expect(workWithin(samples, since)).toEqual(expected);
  });
});
