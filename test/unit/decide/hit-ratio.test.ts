import { expect, test } from '@jest/globals';
import { hitRatio, isIdle, type Lookups } from '../../../operator/decide/hit-ratio.ts';

const samples = (...totals: readonly (readonly [at: number, hits: number, misses: number])[]): readonly Lookups[] =>
  totals.map(([at, hits, misses]) => ({ at, server: 'one', hits, misses }));
const of = (server: string, looks: readonly Lookups[]): readonly Lookups[] =>
  looks.map((look) => ({ ...look, server }));
const inTurn = (...servers: readonly (readonly Lookups[])[]): readonly Lookups[] =>
  servers.flat().toSorted((a, b) => a.at - b.at);

test.each([
  {
    name: 'counts what was added within the window (80 of 100)',
    all: samples([1, 1000, 0], [2, 1080, 20]),
    since: 0,
    expected: 0.8,
  },
  {
    name: 'leaves out what was counted before the window',
    all: samples([1, 0, 0], [5, 0, 500], [6, 90, 510]),
    since: 4,
    expected: 0.9,
  },
  {
    name: 'takes a fall for a restart, not for a rate',
    all: samples([1, 900, 900], [2, 0, 0], [3, 75, 25]),
    since: 0,
    expected: 0.75,
  },
  {
    name: 'adds up servers that each count for themselves (60 of 80 and 10 of 20)',
    all: inTurn(of('a', samples([1, 1000, 0], [2, 1060, 20])), of('b', samples([1, 0, 9000], [2, 10, 9010]))),
    since: 0,
    expected: 0.7,
  },
  {
    name: 'takes no other server’s totals for an increase (a fail-over from a to b)',
    all: inTurn(of('a', samples([1, 0, 0], [2, 40, 10])), of('b', samples([3, 5000, 5000], [4, 5010, 5040]))),
    since: 0,
    expected: 0.5,
  },
  { name: 'says nothing of one look', all: samples([1, 900, 100]), since: 0, expected: undefined },
  { name: 'says nothing of fewer than 20 lookups', all: samples([1, 0, 0], [2, 19, 0]), since: 0, expected: undefined },
])('$name', ({ all, since, expected }) => {
  expect(hitRatio(all, since)?.value).toBe(expected);
});

test.each([
  { name: 'without a look-up', all: samples([1, 900, 100], [2, 900, 100]), expected: true },
  { name: 'with fewer than 20', all: samples([1, 0, 0], [2, 19, 0]), expected: true },
  { name: 'not with 20', all: samples([1, 0, 0], [2, 10, 10]), expected: false },
  { name: 'not known after one look', all: samples([1, 900, 100]), expected: false },
  { name: 'nor across a restart', all: samples([1, 900, 100], [2, 0, 0]), expected: false },
])('a cache is idle: $name', ({ all, expected }) => {
  expect(isIdle(all, 0)).toBe(expected);
});
