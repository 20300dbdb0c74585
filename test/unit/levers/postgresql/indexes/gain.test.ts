import { describe, expect, test } from '@jest/globals';
import {
  afterBuild,
  beforeBuild,
  gainText,
  type Gain,
  type StatementCounts,
} from '../../../../../operator/levers/postgresql/indexes/gain.ts';

type Pairs = Readonly<Record<string, readonly [calls: number, totalMs: number]>>;
const counted = (pairs: Pairs, epoch = 'first'): StatementCounts => ({
  epoch,
  counts: Object.fromEntries(Object.entries(pairs).map(([id, [calls, totalMs]]) => [id, { calls, totalMs }])),
});

/** What is known after these looks, the first right before the build. */
function knownAfter([before, ...looks]: readonly StatementCounts[]): Gain | undefined {
  const first = before && beforeBuild(before);
  return first && looks.reduce(afterBuild, first);
}

interface Row {
  readonly name: string;
  readonly looks: readonly StatementCounts[];
  readonly text: string | undefined;
}
const slow = { a: [100, 1200] } as const;

describe('what an index has gained', () => {
  test.each<Row>([
    {
      name: 'the mean of one statement (12 ms) and what it is in the calls since (90 ms / 100)',
      looks: [counted(slow), counted({ a: [110, 1300] }), counted({ a: [210, 1390] })],
      text: '1 statement, mean 12 → 0.9 ms over 100 calls',
    },
    {
      name: 'nothing before the fiftieth call',
      looks: [counted(slow), counted(slow), counted({ a: [149, 1210] })],
      text: undefined,
    },
    {
      name: 'the fiftieth call (10 ms / 50)',
      looks: [counted(slow), counted(slow), counted({ a: [150, 1210] })],
      text: '1 statement, mean 12 → 0.2 ms over 50 calls',
    },
    {
      name: 'what was called while it was built is not counted',
      looks: [counted(slow), counted({ a: [1000, 90_000] }), counted({ a: [1050, 90_010] })],
      text: '1 statement, mean 12 → 0.2 ms over 50 calls',
    },
    {
      name: 'another mix of statements is no gain (90 × 1 + 10 × 10 = 190 ms / 100, before and after)',
      looks: [
        counted({ fast: [10, 10], slow: [90, 900] }),
        counted({ fast: [10, 10], slow: [90, 900] }),
        counted({ fast: [100, 100], slow: [100, 1000] }),
      ],
      text: '2 statements, mean 1.9 → 1.9 ms over 100 calls',
    },
    {
      name: 'a statement that is slower is told as well',
      looks: [counted(slow), counted(slow), counted({ a: [200, 3200] })],
      text: '1 statement, mean 12 → 20 ms over 100 calls',
    },
    {
      name: 'one that was not there before says nothing',
      looks: [counted(slow), counted(slow), counted({ a: [110, 1210], b: [500, 1] })],
      text: undefined,
    },
    {
      name: 'after a reset all that is counted was since',
      looks: [counted(slow), counted(slow), counted({ a: [120, 120] }, 'second')],
      text: '1 statement, mean 12 → 1 ms over 120 calls',
    },
    {
      name: 'and where the server has forgotten the statement',
      looks: [counted(slow), counted(slow), counted({ a: [60, 60] })],
      text: '1 statement, mean 12 → 1 ms over 60 calls',
    },
    {
      name: 'what is known stays known',
      looks: [counted(slow), counted(slow), counted({ a: [150, 1210] }), counted({ a: [9000, 90_000] })],
      text: '1 statement, mean 12 → 0.2 ms over 50 calls',
    },
    {
      name: 'nothing where no statement names the table',
      looks: [counted({}), counted({ a: [99, 1] })],
      text: undefined,
    },
  ])('$name', ({ looks, text }) => expect(gainText(knownAfter(looks))).toBe(text));

  test('ten statements are remembered, those that take most time', () => {
    const many = counted(Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`q${n}`, [1, n]] as const)));
    const before = beforeBuild(many);
    expect(before?.state === 'Before' && Object.keys(before.meansMs).toSorted()).toEqual([
      'q10',
      'q11',
      'q2',
      'q3',
      'q4',
      'q5',
      'q6',
      'q7',
      'q8',
      'q9',
    ]);
  });
});
