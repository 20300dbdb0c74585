import { describe, expect, test } from '@jest/globals';
import {
  slowest,
  statementGains,
  withGains,
  type StatementGain,
  type StatementsSeen,
  type StatementTotals,
} from '../../../operator/decide/slow-statements.ts';

const statement = (calls: number, totalMs: number, more: Partial<StatementTotals> = {}): StatementTotals => ({
  id: '1',
  text: 'SELECT ?',
  calls,
  totalMs,
  maxMs: 3_000,
  minMs: 1,
  ...more,
});
const look = (
  statements: readonly StatementTotals[],
  more: Partial<Extract<StatementsSeen, { state: 'Known' }>> = {},
) =>
  ({
    state: 'Known',
    source: 'pg_stat_statements',
    thresholdMs: 1_000,
    top: 10,
    epoch: 'a',
    statements,
    ...more,
  }) as const;
const unknown = { state: 'Unknown', why: 'nobody asked' } as const;

describe('statementGains()', () => {
  test.each<{ name: string; older: StatementsSeen | undefined; newer: StatementsSeen; gains: readonly object[] }>([
    { name: 'nothing at the first look', older: undefined, newer: look([statement(5, 9_000)]), gains: [] },
    { name: 'nothing after one that did not tell', older: unknown, newer: look([statement(5, 9_000)]), gains: [] },
    {
      name: 'nothing where nothing ran',
      older: look([statement(5, 9_000)]),
      newer: look([statement(5, 9_000)]),
      gains: [],
    },
    {
      name: 'what ran in between',
      older: look([statement(5, 9_000)]),
      newer: look([statement(7, 13_000)]),
      gains: [{ calls: 2, totalMs: 4_000, at: 60 }],
    },
    {
      name: 'all that was counted since a reset',
      older: look([statement(5, 9_000)]),
      newer: look([statement(6, 9_500)], { epoch: 'b' }),
      gains: [{ calls: 6, totalMs: 9_500 }],
    },
    {
      name: 'all of one that was reset alone, or thrown out and counted anew',
      older: look([statement(5, 9_000)]),
      newer: look([statement(2, 4_000)]),
      gains: [{ calls: 2, totalMs: 4_000 }],
    },
    {
      name: 'the one call that made it slow',
      older: look([]),
      newer: look([statement(900, 5_000)]),
      gains: [{ calls: 1, totalMs: 3_000, maxMs: 3_000, minMs: 3_000 }],
    },
    {
      name: 'all calls of one of which each was slow',
      older: look([]),
      newer: look([statement(2, 19_141, { maxMs: 15_408, minMs: 3_733 })]),
      gains: [{ calls: 2, totalMs: 19_141, maxMs: 15_408, minMs: 3_733 }],
    },
    {
      name: 'one of such where others may have been left out, which it was slow beside all along',
      older: look([], { isCut: true }),
      newer: look([statement(2, 19_141, { maxMs: 15_408, minMs: 3_733 })]),
      gains: [{ calls: 1, totalMs: 15_408 }],
    },
    {
      name: 'all calls of one whose least is the threshold itself',
      older: look([]),
      newer: look([statement(2, 4_000, { minMs: 1_000 })]),
      gains: [{ calls: 2, totalMs: 4_000 }],
    },
    {
      name: 'one of many where the least and the most alone were reset (PostgreSQL 17)',
      older: look([]),
      newer: look([statement(900, 5_000, { minMs: 3_000 })]),
      gains: [{ calls: 1, totalMs: 3_000 }],
    },
    {
      name: 'nothing of what is listed for a lower threshold',
      older: look([], { thresholdMs: 5_000 }),
      newer: look([statement(900, 5_000)]),
      gains: [],
    },
    {
      name: 'nothing where something else counts',
      older: look([statement(1, 1_000)], { source: 'pg_stat_activity' }),
      newer: look([statement(5, 9_000)]),
      gains: [],
    },
    {
      name: 'what runs now, at the first look too',
      older: undefined,
      newer: look([statement(1, 1_500)], { source: 'pg_stat_activity' }),
      gains: [{ calls: 1, totalMs: 1_500 }],
    },
  ])('$name', ({ older, newer, gains }) => {
    expect(statementGains(older, newer, 60)).toMatchObject(gains);
    expect(statementGains(older, newer, 60)).toHaveLength(gains.length);
  });
});

const gain = (at: number, calls: number, totalMs: number, more: Partial<StatementTotals> = {}): StatementGain => ({
  ...statement(calls, totalMs, more),
  at,
});

test('an execution that is seen twice counts once, with what it took in the end', () => {
  const [first, second] = [gain(30, 1, 1_500), gain(60, 1, 31_500)];
  expect(withGains([first], [second], 'pg_stat_activity')).toEqual([second]);
  expect(withGains([first], [second], 'pg_stat_statements')).toEqual([first, second]);
});

describe('slowest()', () => {
  const asked = (gains: readonly StatementGain[], top = 10) => slowest(gains, { since: 0, thresholdMs: 1_000, top });

  test('equal texts are one statement; slow is who is so on average; most time together comes first', () => {
    const gains = [
      gain(30, 2, 2_000, { maxMs: 1_500, minMs: 5 }),
      gain(60, 2, 6_000, { id: '2', maxMs: 5_000, minMs: 500 }),
      gain(60, 1, 9_000, { id: '3', text: 'UPDATE t' }),
      gain(60, 10, 9_999, { id: '4', text: 'fast on average' }),
    ];
    expect(asked(gains)).toEqual([
      { text: 'UPDATE t', calls: 1, totalMs: 9_000, meanMs: 9_000, maxMs: 3_000, minMs: 1 },
      { text: 'SELECT ?', calls: 4, totalMs: 8_000, meanMs: 2_000, maxMs: 5_000, minMs: 5 },
    ]);
    expect(asked(gains, 1)).toHaveLength(1);
  });

  test('at the threshold it is slow; what lies before the window does not count', () => {
    expect(asked([gain(1, 2, 2_000)])).toHaveLength(1);
    expect(asked([gain(1, 2, 1_999)])).toEqual([]);
    expect(asked([gain(0, 2, 2_000)])).toEqual([]);
  });
});
