import { describe, expect, test } from '@jest/globals';
import { nothingKept, type PendingAction } from '../../../operator/decide/optimizer/kept.ts';
import { withPending } from '../../../operator/decide/optimizer/records.ts';
import { replaced } from '../../../operator/reconcilers/optimizer-evict.ts';
import { judgePending } from '../../../operator/reconcilers/optimizer-judge.ts';
import { now } from '../decide/optimizer/made-rows.ts';
import { madeVisit } from './made-visit.ts';
import { pod } from './measured-service.ts';

const patienceMs = 300_000;
const pending: PendingAction = {
  component: 'workflow',
  rule: 'evict',
  action: 'EvictWorstPod',
  metric: 'memory',
  operator: 'GreaterThan',
  begunAt: now - patienceMs,
  settleMs: 30_000,
  windowMs: 120_000,
  evicted: { uids: ['a', 'b'], ready: 3 },
};

describe('replaced()', () => {
  test.each([
    { name: 'is done when others are Ready in their place', ready: ['c', 'd', 'e'], after: 1, is: 'done' },
    { name: 'waits for one that is on its way out', ready: ['b', 'c', 'd'], after: 1, is: 'waiting' },
    { name: 'waits for others', ready: ['c', 'd'], after: 1, is: 'waiting' },
    { name: 'compares what there is after five minutes', ready: ['c'], after: patienceMs, is: 'done' },
    { name: 'does so where only one went', ready: ['b', 'c'], after: patienceMs, is: 'done' },
    { name: 'waits where all are Ready still', ready: ['a', 'b', 'c'], after: patienceMs - 1, is: 'waiting' },
    { name: 'knows after five minutes that none went', ready: ['a', 'b', 'c'], after: patienceMs, is: 'interrupted' },
  ])('$name', ({ ready, after, is }) => {
    const pods = ready.map((uid) => ({ uid }));
    expect(replaced(pending, pods, pending.begunAt + after)).toBe(is);
  });
});

describe('judgePending()', () => {
  const kept = withPending(nothingKept, pending, { cooldownMs: 1, maxBackoffMs: 1 });

  test('an eviction that a kill kept from being made is no action that is compared', async () => {
    using made = madeVisit({ kept, now, pods: ['a', 'b', 'c'].map((name) => pod(name)) });
    expect(await judgePending(made.visit)).toBe(true);
    expect(made.kept()).toMatchObject({ records: { 'workflow/evict': { outcome: 'Inconclusive', judged: 0 } } });
    expect(made.kept()?.pending).toBeUndefined();
    expect(made.kept()?.acts).toMatchObject([{ evicted: 0 }]); // of what `max` lets go in an hour nothing is used up
    expect(made.told).toEqual([
      expect.stringMatching(/^ActionDidNotHelp: evict on workflow, EvictWorstPod: Inconclusive: the operator ended/),
    ]);
  });

  test('one that was made is under comparison from when others are Ready', async () => {
    using made = madeVisit({ kept, now, pods: ['c', 'd', 'e'].map((name) => pod(name)) });
    expect(await judgePending(made.visit)).toBe(false);
    expect(made.kept()?.pending?.doneAt).toBe(now);
    expect(made.told).toEqual([]);
  });
});
