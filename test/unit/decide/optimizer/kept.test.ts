import { describe, expect, test } from '@jest/globals';
import { readOptimizer } from '../../../../operator/decide/optimizer/kept.ts';

const record = { actedAt: 1, nextAt: 2, backoff: 1, metric: 'memory', outcome: 'Improved', judged: 1, improved: 1 };
const pending = {
  component: 'workflow',
  rule: 'gc',
  action: 'CollectGarbage',
  metric: 'memory',
  operator: 'GreaterThan',
  begunAt: 1,
  settleMs: 2,
  windowMs: 3,
};
const acts = [{ component: 'workflow', at: 1, until: 2 }];

describe('readOptimizer()', () => {
  test('gives back what was written', () => {
    const reductions = { workflow: { steps: ['shed'], changedAt: 1, waitMs: 2 } };
    const evicting = { ...pending, action: 'EvictWorstPod', evicted: { uids: ['a'], ready: 2 } };
    const raises = { workflow: { steps: [{ rule: 'raise', bytes: 1 }], changedAt: 1, waitMs: 2 } };
    const written = { records: { 'workflow/gc': record }, pending: evicting, reductions, raises, acts };
    expect(readOptimizer(JSON.parse(JSON.stringify(written)))).toEqual(written);
  });

  test.each([undefined, null, [], 'text', 5])('there is nothing in %p', (value) => {
    expect(readOptimizer(value)).toBeUndefined();
  });

  test.each([
    { name: 'a record without its times', value: { records: { 'workflow/gc': { ...record, nextAt: 'soon' } } } },
    {
      name: 'one of an outcome that there is not',
      value: { records: { 'workflow/gc': { ...record, outcome: 'Better' } } },
    },
    { name: 'one of a metric that there is not', value: { records: { 'workflow/gc': { ...record, metric: 'mood' } } } },
    { name: 'an action that there is not', value: { pending: { ...pending, action: 'Reboot' } } },
    { name: 'an action without its beginning', value: { pending: { ...pending, begunAt: null } } },
    {
      name: 'an eviction that does not say of whom',
      value: { pending: { ...pending, evicted: { uids: [1], ready: 2 } } },
    },
    { name: 'acts that are no list', value: { acts: { at: 1 } } },
    { name: 'a reduction without its steps', value: { reductions: { workflow: { changedAt: 1, waitMs: 2 } } } },
    {
      name: 'a reduction that does not say by which rule',
      value: { reductions: { workflow: { steps: [1], changedAt: 1, waitMs: 2 } } },
    },
    {
      name: 'a raise that does not say to how much',
      value: { raises: { workflow: { steps: [{ rule: 'raise' }], changedAt: 1, waitMs: 2 } } },
    },
    { name: 'an act without its end', value: { acts: [{ component: 'workflow', at: 1 }] } },
  ])('forgets $name', ({ value }) => {
    expect(readOptimizer(value)).toEqual({ records: {}, acts: [] });
  });
});
