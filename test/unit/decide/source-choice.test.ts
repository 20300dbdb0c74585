import { describe, expect, test } from '@jest/globals';
import { chooseSource, type SourceSeen } from '../../../operator/decide/source-choice.ts';

const now = 1_000_000;
const unknown: SourceSeen = { workingSince: undefined, failingSince: undefined };
const working = (forMs: number): SourceSeen => ({ ...unknown, workingSince: now - forMs });
const failing = (forMs: number): SourceSeen => ({ ...unknown, failingSince: now - forMs });

type Row = { name: string; current: number; seen: readonly SourceSeen[]; expected: number };
describe('chooseSource()', () => {
  test.each<Row>([
    { name: 'reads the first while nothing is known', current: 0, seen: [unknown, unknown], expected: 0 },
    { name: 'stays with one that has failed for a moment', current: 0, seen: [failing(19_999), unknown], expected: 0 },
    {
      name: 'goes to the next when it has failed long enough',
      current: 0,
      seen: [failing(20_000), unknown],
      expected: 1,
    },
    {
      name: 'goes one further, not back to one that fails',
      current: 1,
      seen: [failing(9e5), failing(20_000), unknown],
      expected: 2,
    },
    { name: 'stays with the last one, however it is', current: 1, seen: [failing(9e5), failing(9e5)], expected: 1 },
    {
      name: 'does not come back to a better one before it has worked for the dwell',
      current: 1,
      seen: [working(299_999), working(9e5)],
      expected: 1,
    },
    { name: 'comes back when it has', current: 1, seen: [working(300_000), working(9e5)], expected: 0 },
    {
      name: 'comes back to the best that has',
      current: 2,
      seen: [failing(1), working(300_000), working(9e5)],
      expected: 1,
    },
    {
      name: 'does not wait for the dwell where the one that is read is down',
      current: 1,
      seen: [working(0), failing(20_000), unknown],
      expected: 0,
    },
    { name: 'has nothing to choose among one', current: 0, seen: [failing(9e5)], expected: 0 },
  ])('$name', ({ current, seen, expected }) => {
    expect(chooseSource({ current, seen, now, failAfterMs: 20_000, dwellMs: 300_000 })).toBe(expected);
  });
});
