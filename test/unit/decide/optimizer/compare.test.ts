import { describe, expect, test } from '@jest/globals';
import { compare, type CompareInput } from '../../../../operator/decide/optimizer/compare.ts';
import { around, now, rowMs, rowsOf, same } from './made-rows.ts';

const [window, settle] = [12, 3];
const pending = {
  component: 'workflow',
  rule: 'gc',
  action: 'CollectGarbage',
  metric: 'memory',
  operator: 'GreaterThan',
  begunAt: now - (window + settle) * rowMs,
  doneAt: now - (window + settle) * rowMs,
  settleMs: settle * rowMs,
  windowMs: window * rowMs,
} as const;

/** So many rows around 100 until the action, then those that are given. */
const until = (rows: number, after: number, deviation = 5): number[] => [
  ...around(100, deviation, rows),
  ...same(100, settle),
  ...around(after, deviation, window, 5),
];
const judge = (changes: Partial<CompareInput> & Pick<CompareInput, 'rows'>) =>
  compare({ pending, acts: [], intervalMs: rowMs, ...changes });

interface Row {
  readonly name: string;
  readonly measures: CompareInput['rows']['measures'];
  readonly pods?: readonly number[];
  readonly operator?: 'LessThan';
  readonly says: ReturnType<typeof compare>;
}

describe('compare()', () => {
  test.each<Row>([
    {
      name: 'a fall by four deviations is an improvement',
      measures: { memory: until(720, 80) },
      says: { outcome: 'Improved' },
    },
    {
      name: 'no fall is no effect where little chance is in it',
      measures: { memory: until(720, 100) },
      says: { outcome: 'NoEffect' },
    },
    {
      name: 'a fall that chance never makes is none below three percent',
      measures: { memory: until(720, 98, 0.2) },
      says: { outcome: 'NoEffect' },
    },
    { name: 'a rise by four deviations is worse', measures: { memory: until(720, 120) }, says: { outcome: 'Worse' } },
    {
      name: 'a rise is an improvement of what was too low',
      operator: 'LessThan',
      measures: { memory: until(720, 120) },
      says: { outcome: 'Improved' },
    },
    {
      name: 'a new level that was there before the action is none of its doing',
      measures: { memory: [...around(100, 2, 717), ...same(115, 3 + settle + window)] },
      says: { outcome: 'NoEffect' },
    },
    {
      name: 'a fall is worse of what was too low',
      operator: 'LessThan',
      measures: { memory: until(720, 80) },
      says: { outcome: 'Worse' },
    },
    {
      name: 'worse by one metric alone, after a history below an hour, undoes nothing',
      measures: { memory: until(300, 120) },
      says: { outcome: 'Inconclusive', reason: 'NotShared' },
    },
    {
      name: 'a history below half an hour says nothing',
      measures: { memory: until(170, 50) },
      says: { outcome: 'Inconclusive', reason: 'HistoryShort' },
    },
    {
      name: 'without a history nobody can tell',
      measures: { memory: until(20, 50) },
      says: { outcome: 'Inconclusive', reason: 'HistoryShort' },
    },
    {
      name: 'without rows after it nobody can tell',
      measures: { memory: [...around(100, 5, 720), ...same(NaN, window + settle)] },
      says: { outcome: 'Inconclusive', reason: 'MetricsMissing' },
    },
    {
      name: 'where chance makes more than ten percent nobody can tell',
      measures: { memory: until(720, 100, 40) },
      says: { outcome: 'Inconclusive', reason: 'TooNoisy' },
    },
    {
      name: 'with another number of Pods nobody can tell',
      measures: { memory: until(720, 80) },
      pods: [...same(3, 720 + settle), ...same(4, window)],
      says: { outcome: 'Inconclusive', reason: 'PodsChanged' },
    },
    {
      name: 'at another load nobody can tell',
      measures: { memory: until(720, 80), requestRate: [...around(50, 2, 720 + settle), ...around(20, 2, window)] },
      says: { outcome: 'Inconclusive', reason: 'LoadMoved' },
    },
    {
      name: 'what harms another metric is worse, whatever its own says',
      measures: {
        memory: until(720, 80),
        responseTimeP95: [...around(0.5, 0.02, 720 + settle), ...around(0.9, 0.02, window)],
      },
      says: { outcome: 'Worse', harmed: 'responseTimeP95' },
    },
    {
      name: 'a hit ratio that falls is harmed',
      measures: {
        memory: until(720, 80),
        cacheHitRatio: [...around(0.9, 0.01, 720 + settle), ...around(0.6, 0.01, window)],
      },
      says: { outcome: 'Worse', harmed: 'cacheHitRatio' },
    },
    {
      name: 'a few errors where there were none are no harm yet',
      measures: { memory: until(720, 80), errorRatio: [...same(0, 720 + settle), ...same(0.005, window)] },
      says: { outcome: 'Improved' },
    },
  ])('$name', ({ measures, pods, operator, says }) => {
    const { effect: _, ...said } = judge({
      rows: rowsOf(measures, pods === undefined ? {} : { pods }),
      ...(operator === undefined ? {} : { pending: { ...pending, operator } }),
    });
    expect(said).toEqual(says);
  });

  test.each([
    { action: 'EvictWorstPod', says: 'Pods that go and come are no change', after: 3, is: { outcome: 'Improved' } },
    { action: 'RaiseMemoryLimit', says: 'nor are those of a roll-out', after: 3, is: { outcome: 'Improved' } },
    { action: 'CollectGarbage', says: 'of what replaces none they are', after: 3, is: { reason: 'PodsChanged' } },
    { action: 'EvictWorstPod', says: 'one that does not come back is', after: 2, is: { reason: 'PodsChanged' } },
  ] as const)('$action: $says', ({ action, after, is }) => {
    const pods = [...same(3, 720), ...same(2, settle), ...same(after, window)];
    const rows = rowsOf({ memory: until(720, 80) }, { pods });
    expect(judge({ rows, pending: { ...pending, action } })).toMatchObject(is);
  });

  test('what other actions did is no part of how things are where nobody acts', () => {
    const memory = until(360, 100);
    const at = pending.begunAt - 250 * rowMs;
    const acts = [{ component: 'workflow', at, until: at + 50 * rowMs }];
    expect(judge({ rows: rowsOf({ memory }), acts }).effect?.known).toBe(310);
    expect(
      judge({ rows: rowsOf({ memory }), acts: acts.map((act) => ({ ...act, component: 'cache' })) }).effect?.known,
    ).toBe(360);
  });

  test('what an action right before it has come to is what it begins with', () => {
    const before = { component: 'workflow', at: pending.begunAt - (window + settle) * rowMs, until: pending.begunAt };
    const rows = rowsOf({ memory: until(720, 80) });
    expect(judge({ rows, acts: [before] })).toMatchObject({ outcome: 'Improved' });
    expect(judge({ rows, acts: [{ ...before, isBack: true }] })).toMatchObject({ outcome: 'Inconclusive' });
  });

  test('what an action waits for its acknowledgement is neither before nor after', () => {
    const late = { ...pending, begunAt: pending.begunAt - 10 * rowMs };
    const memory = [...around(100, 5, 710), ...same(500, 10), ...same(100, settle), ...around(80, 5, window, 5)];
    expect(judge({ rows: rowsOf({ memory }), pending: late })).toMatchObject({ outcome: 'Improved' });
  });
});
