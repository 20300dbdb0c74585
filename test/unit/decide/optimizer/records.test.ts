import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { nothingKept, type KeptOptimizer } from '../../../../operator/decide/optimizer/kept.ts';
import {
  actsWithinHour,
  freeAgainAt,
  isIneffective,
  withDone,
  withEvicted,
  withGivenBack,
  withLowered,
  withMessage,
  withoutGone,
  withOutcome,
  withPending,
} from '../../../../operator/decide/optimizer/records.ts';
import { actionOutcomes, type ActionOutcome } from '../../../../operator/api/optimizer.ts';
import { mayEvict } from '../../../../operator/decide/optimizer/worst-pods.ts';
import { now } from './made-rows.ts';

const cooldown = { cooldownMs: 300_000, maxBackoffMs: 6 * 3_600_000 };
const pending = {
  component: 'workflow',
  rule: 'gc',
  action: 'CollectGarbage',
  metric: 'memory',
  operator: 'GreaterThan',
  begunAt: now,
  settleMs: 30_000,
  windowMs: 120_000,
} as const;
const after = (outcomes: readonly ActionOutcome[], kept: KeptOptimizer = nothingKept): KeptOptimizer =>
  outcomes.reduce<KeptOptimizer>(
    (all, outcome) => withOutcome(withPending(all, pending, cooldown), { outcome }, cooldown),
    kept,
  );
const recordOf = (kept: KeptOptimizer) => kept.records['workflow/gc'];

describe('what is kept of actions', () => {
  test.each<{ readonly name: string; readonly outcomes: readonly ActionOutcome[]; readonly backoff: number }>([
    { name: 'waits its cooldown after what helped', outcomes: ['Improved'], backoff: 1 },
    { name: 'waits twice as long after no effect', outcomes: ['NoEffect'], backoff: 2 },
    { name: 'waits twice as long where nobody can tell', outcomes: ['Inconclusive'], backoff: 2 },
    { name: 'waits twice as long where no Pod took it', outcomes: ['Failed'], backoff: 2 },
    { name: 'waits four times as long after harm', outcomes: ['Worse'], backoff: 4 },
    { name: 'doubles on and on', outcomes: ['NoEffect', 'NoEffect', 'NoEffect'], backoff: 8 },
    { name: 'but not beyond sixteen', outcomes: ['Worse', 'Worse', 'Worse'], backoff: 16 },
    { name: 'comes back by halves when it helps again', outcomes: ['Worse', 'Improved'], backoff: 2 },
    {
      name: 'stays at the longest while it helped in fewer than 30 % of five',
      outcomes: ['NoEffect', 'NoEffect', 'NoEffect', 'NoEffect', 'Improved'],
      backoff: 16,
    },
  ])('$name', ({ outcomes, backoff }) => {
    expect(recordOf(after(outcomes))).toMatchObject({
      backoff,
      nextAt: now + backoff * 300_000,
      outcome: outcomes.at(-1),
    });
  });

  test('no wait is longer than maxBackoff, and none shorter than the cooldown', () => {
    const short = { cooldownMs: 300_000, maxBackoffMs: 60_000 };
    const long = { cooldownMs: 3_600_000, maxBackoffMs: 6 * 3_600_000 };
    const wait = (by: typeof short): number => {
      const kept = withOutcome(withPending(nothingKept, pending, by), { outcome: 'Worse' }, by);
      const more = withOutcome(withPending(kept, pending, by), { outcome: 'Worse' }, by);
      return (recordOf(more)?.nextAt ?? NaN) - now;
    };
    expect(wait(short)).toBe(300_000);
    expect(wait(long)).toBe(6 * 3_600_000);
  });

  test('judged are those of which somebody can tell', () => {
    expect(recordOf(after(['Improved', 'Inconclusive', 'Failed', 'NoEffect', 'Worse']))).toMatchObject({
      judged: 3,
      improved: 1,
    });
  });

  test.each([
    { judged: 5, improved: 1, is: true },
    { judged: 4, improved: 0, is: false },
    { judged: 10, improved: 3, is: false },
  ])('$improved of $judged: ineffective is $is', ({ is, ...tally }) => expect(isIneffective(tally)).toBe(is));

  test('an action at work is there before it is made, and counts from then', () => {
    const kept = withPending(nothingKept, pending, cooldown);
    expect(kept).toMatchObject({ pending, acts: [{ component: 'workflow', at: now, until: now + 150_000 }] });
    expect(recordOf(kept)).toMatchObject({ actedAt: now, nextAt: now + 300_000 });
    expect(recordOf(kept)?.outcome).toBeUndefined();
    expect(withDone(kept, now + 5)).toMatchObject({
      pending: { ...pending, doneAt: now + 5 },
      acts: [{ at: now, until: now + 150_005 }],
    });
    expect(after(['Improved']).pending).toBeUndefined();
  });

  test('actions of the last hour are counted, and the first of them ends an hour later', () => {
    const acts = [3_700_000, 3_000_000, 1_000].map((ago) => ({ component: 'workflow', at: now - ago, until: now }));
    const kept = { ...nothingKept, acts };
    expect(actsWithinHour(kept, now).map(({ at }) => at)).toEqual([now - 3_000_000, now - 1_000]);
    expect(freeAgainAt(kept, now)).toBe(now + 600_000);
  });

  test('acts that no comparison looks at any more are forgotten, and so are rules that are gone', () => {
    const acts = [{ component: 'workflow', at: 0, until: now - 4 * 3_600_000 }];
    expect(withPending({ ...nothingKept, acts }, pending, cooldown).acts).toHaveLength(1);
    expect(withoutGone(after(['Improved']), new Set(['workflow/other'])).records).toEqual({});
    expect(Object.keys(withoutGone(after(['Improved']), new Set(['workflow/gc'])).records)).toEqual(['workflow/gc']);
  });

  test.each<{ readonly outcome: ActionOutcome; readonly steps: readonly string[] }>([
    { outcome: 'Improved', steps: ['gc'] },
    { outcome: 'Inconclusive', steps: ['gc'] },
    { outcome: 'NoEffect', steps: [] },
    { outcome: 'Worse', steps: [] },
    { outcome: 'Failed', steps: [] },
  ])('workers that were taken away with outcome $outcome: the steps of $steps stay', ({ outcome, steps }) => {
    const shed = { ...pending, action: 'ReduceWorkers' } as const;
    const begun = withPending(nothingKept, shed, cooldown);
    expect(begun.reductions).toEqual({ workflow: { steps: ['gc'], changedAt: now, waitMs: 300_000 } });
    expect(withOutcome(begun, { outcome }, cooldown).reductions?.['workflow']?.steps).toEqual(steps);
    expect(
      withPending(withOutcome(begun, { outcome }, cooldown), pending, cooldown).reductions?.['workflow']?.steps,
    ).toEqual(steps);
  });

  test.each<{ readonly outcome: ActionOutcome; readonly stays: boolean }>([
    { outcome: 'Improved', stays: true },
    { outcome: 'NoEffect', stays: true },
    { outcome: 'Worse', stays: true },
    { outcome: 'Failed', stays: false },
  ])('a limit that was raised with outcome $outcome: it stays is $stays', ({ outcome, stays }) => {
    const raising = { ...pending, action: 'RaiseMemoryLimit', limitBytes: 300 } as const;
    const begun = withPending(nothingKept, raising, cooldown);
    expect(begun.raises).toEqual({
      workflow: { steps: [{ rule: 'gc', bytes: 300 }], changedAt: now, waitMs: 300_000 },
    });
    const ended = withPending(withOutcome(begun, { outcome }, cooldown), pending, cooldown);
    expect(ended.raises?.['workflow']?.steps).toHaveLength(stays ? 1 : 0);
    expect(ended.raises?.['workflow']?.restoredAt).toBeUndefined();
    const lowered = withLowered(begun, 'workflow', { now, untilMs: 5 });
    expect(lowered.raises?.['workflow']?.steps).toEqual([]);
    expect(lowered.acts.at(-1)).toEqual({ component: 'workflow', at: now, until: now + 5, isBack: true });
  });

  test('who is to be evicted is counted before it is, and who was evicted is waited for', () => {
    const evicting = { ...pending, action: 'EvictWorstPod', evicted: { uids: ['a', 'b'], ready: 3 } } as const;
    const kept = withPending(nothingKept, evicting, cooldown);
    expect(kept.acts).toMatchObject([{ evicted: 2 }]);
    expect(withEvicted(kept, ['b'])).toMatchObject({
      pending: { evicted: { uids: ['b'], ready: 3 } },
      acts: [{ evicted: 1 }],
    });
    expect(withEvicted(nothingKept, ['b'])).toEqual(nothingKept);
  });

  test('evictions that a budget has refused leave the hour its bounds', () => {
    const evicting = { ...pending, action: 'EvictWorstPod', evicted: { uids: ['a', 'b'], ready: 3 } } as const;
    const mayEvictAfter = (outcome: ActionOutcome): number => {
      const kept = withOutcome(withPending(nothingKept, evicting, cooldown), { outcome }, cooldown);
      return mayEvict({ bounds: { step: 2, max: 2 } }, { name: 'workflow', readyPods: 3 }, kept, now + 1);
    };
    expect(mayEvictAfter('Failed')).toBe(2);
    expect(mayEvictAfter('Inconclusive')).toBe(0);
  });

  test('what is given back is no action of the hour, and a comparison leaves its time out', () => {
    const reductions = { workflow: { steps: ['old', 'shed'], changedAt: 0, waitMs: 300_000 } };
    const given = [
      { component: 'workflow', left: ['shed'] },
      { component: 'gone', left: [] },
    ];
    const kept = withGivenBack({ ...nothingKept, reductions }, given, { now, untilMs: 120_000 });
    expect(kept.reductions).toEqual({
      workflow: { steps: ['shed'], changedAt: now, waitMs: 300_000, restoredAt: now },
    });
    expect(kept.acts).toEqual([{ component: 'workflow', at: now, until: now + 120_000, isBack: true }]);
    expect(actsWithinHour(kept, now)).toEqual([]);
  });

  test('words for an action stand behind one another, and those of the next begin anew', () => {
    const begun = withMessage(withPending(nothingKept, pending, cooldown), pending, 'memory 2Gi > 1Gi');
    const judged = withMessage(withOutcome(begun, { outcome: 'NoEffect' }, cooldown), pending, 'nothing came of it');
    expect(recordOf(judged)?.message).toBe('memory 2Gi > 1Gi; nothing came of it');
    expect(recordOf(withPending(judged, pending, cooldown))?.message).toBeUndefined();
    expect(recordOf(withMessage(begun, pending, 'x'.repeat(5_000)))?.message).toHaveLength(1_000);
  });

  test('whatever comes, it waits from one to sixteen cooldowns', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...actionOutcomes), { maxLength: 30 }), (outcomes) => {
        const { backoff = 1, judged = 0, improved = 0 } = recordOf(after(outcomes)) ?? {};
        expect(backoff).toBeGreaterThanOrEqual(1);
        expect(backoff).toBeLessThanOrEqual(16);
        expect(improved).toBeLessThanOrEqual(judged);
      }),
    );
  });
});
