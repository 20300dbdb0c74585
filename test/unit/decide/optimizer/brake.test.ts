import { describe, expect, test } from '@jest/globals';
import type { ActionOutcome } from '../../../../operator/api/optimizer.ts';
import { brakedUntil } from '../../../../operator/decide/optimizer/brake.ts';
import type { KeptOptimizer } from '../../../../operator/decide/optimizer/kept.ts';
import { now } from './made-rows.ts';

const minute = 60_000;
/** A service whose rules came to these, the first a minute ago, each other a minute before. */
const service = (outcomes: readonly ActionOutcome[], ago = minute): KeptOptimizer => ({
  records: Object.fromEntries(
    outcomes.map((outcome, n) => [
      `workflow/r${n}`,
      { actedAt: now - ago - n * minute, nextAt: 0, backoff: 1, metric: 'memory', outcome, judged: 1, improved: 0 },
    ]),
  ),
  acts: [],
});

describe('brakedUntil()', () => {
  test.each<{ readonly name: string; readonly services: readonly KeptOptimizer[]; readonly until: number | undefined }>(
    [
      {
        name: 'holds all after three harms in two services, until the first is an hour old',
        services: [service(['Worse', 'Worse']), service(['Worse'])],
        until: now + 58 * minute,
      },
      { name: 'not after two', services: [service(['Worse']), service(['Worse'])], until: undefined },
      {
        name: 'not after three in one: that is its own matter',
        services: [service(['Worse', 'Worse', 'Worse']), service([])],
        until: undefined,
      },
      {
        name: 'not where more was well',
        services: [
          service(['Worse', 'Worse', 'Worse']),
          service(['Worse', 'Improved', 'NoEffect', 'Improved', 'NoEffect', 'Improved']),
        ],
        until: undefined,
      },
      {
        name: 'what nobody could tell does not count',
        services: [service(['Worse', 'Worse', 'Inconclusive']), service(['Worse', 'Failed', 'Inconclusive'])],
        until: now + 58 * minute,
      },
      {
        name: 'not for what is an hour ago',
        services: [service(['Worse', 'Worse']), service(['Worse'], 60 * minute)],
        until: undefined,
      },
    ],
  )('$name', ({ services, until }) => expect(brakedUntil(services, now)).toBe(until));
});
