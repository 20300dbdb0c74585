import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { nothingKept, type KeptOptimizer } from '../../../../operator/decide/optimizer/kept.ts';
import { judgedAt, type RuleHold } from '../../../../operator/decide/optimizer/holds.ts';
import { lookAtRules, type LookInput } from '../../../../operator/decide/optimizer/look.ts';
import type { OptimizerRule, OptimizerRules } from '../../../../operator/decide/optimizer/rules.ts';
import { withDone, withPending } from '../../../../operator/decide/optimizer/records.ts';
import { now, policy, rowMs, rowsOf, rule } from './made-rows.ts';

const over = rowsOf({ memory: [150, 150, 150] });
const workflow = {
  name: 'workflow',
  hasAdmin: true,
  hasCache: false,
  workers: { isAtMax: true, mayReduce: true },
  readyPods: 3,
  oomHeldUntil: undefined,
  memoryLimit: { bytes: 500, disrupts: false },
  rows: over,
  usageEveryMs: 0,
};
const shed: OptimizerRules = { ...policy, rules: [{ ...rule, action: 'ReduceWorkers' }] };
const evicting = { ...rule, action: 'EvictWorstPod', bounds: { step: 1, max: 2 } } as const;
const evict: OptimizerRules = { ...policy, rules: [evicting] };
const clear: OptimizerRules = { ...policy, rules: [{ ...rule, action: 'ClearExpiredCache' }] };
const raise: OptimizerRules = {
  ...policy,
  rules: [{ ...rule, action: 'RaiseMemoryLimit', bounds: { step: 100, max: 600 } }],
};
const stopping = { bytes: 500, disrupts: true };
const closed = { isOpen: false, window: 'night', opensAt: now + 7 } as const;
const evictedAt = (ago: number, component = 'workflow') => ({ component, at: now - ago, until: now - ago, evicted: 1 });
const input: LookInput = {
  mode: 'Enforce',
  policy,
  components: [workflow],
  kept: nothingKept,
  isFrozen: false,
  maintenance: { isOpen: true },
  brakedUntil: undefined,
  approved: undefined,
  rowMs,
  now,
};
const pending = {
  component: 'workflow',
  rule: 'other',
  action: 'CollectGarbage',
  metric: 'memory',
  operator: 'GreaterThan',
  begunAt: now - 10_000,
  settleMs: 30_000,
  windowMs: 120_000,
} as const;
const record = { actedAt: now - 200_000, backoff: 1, metric: 'memory', judged: 0, improved: 0 } as const;
const cooling: KeptOptimizer = { records: { 'workflow/gc': { ...record, nextAt: now + 1 } }, acts: [] };
const six = Array.from({ length: 6 }, (_, n) => ({ component: 'workflow', at: now - (n + 1) * 500_000, until: now }));

interface Row {
  readonly name: string;
  readonly given: Partial<LookInput>;
  readonly heldBy: RuleHold | undefined;
  readonly heldUntil?: number;
}

describe('lookAtRules()', () => {
  test.each<Row>([
    { name: 'a rule whose comparison holds acts', given: {}, heldBy: undefined },
    {
      name: 'one whose does not is quiet',
      given: { components: [{ ...workflow, rows: rowsOf({ memory: [90, 90, 90] }) }] },
      heldBy: 'Quiet',
    },
    {
      name: 'one of which nothing is known does not',
      given: { components: [{ ...workflow, rows: rowsOf({ memory: [NaN, NaN, NaN] }) }] },
      heldBy: 'MetricsMissing',
    },
    {
      name: 'one by a metric that no row has never will',
      given: { policy: { ...policy, rules: [{ ...rule, metric: 'signal:mood' }] } },
      heldBy: 'NotMeasured',
    },
    {
      name: 'before the first row nobody knows that',
      given: { components: [{ ...workflow, rows: rowsOf({}) }] },
      heldBy: 'MetricsMissing',
    },
    { name: 'not without a port to ask', given: { components: [{ ...workflow, hasAdmin: false }] }, heldBy: 'NoAdmin' },
    {
      name: 'what has expired goes from Redis without a port to ask',
      given: { policy: clear, components: [{ ...workflow, hasAdmin: false, hasCache: true }] },
      heldBy: undefined,
    },
    {
      name: 'but not without a Redis either',
      given: { policy: clear, components: [{ ...workflow, hasAdmin: false }] },
      heldBy: 'NoAdmin',
    },
    {
      name: 'a limit is raised without a port to ask, also while the error budget burns and outside of the windows',
      given: { policy: raise, components: [{ ...workflow, hasAdmin: false }], isFrozen: true, maintenance: closed },
      heldBy: undefined,
    },
    {
      name: 'but not then where that stops Pods',
      given: { policy: raise, components: [{ ...workflow, memoryLimit: stopping }], maintenance: closed },
      heldBy: 'MaintenancePending',
    },
    {
      name: 'nor while the error budget burns',
      given: { policy: raise, components: [{ ...workflow, memoryLimit: stopping }], isFrozen: true },
      heldBy: 'BudgetBurning',
    },
    {
      name: 'nothing by its memory a short while after a Pod was killed for that',
      given: { components: [{ ...workflow, oomHeldUntil: now + 9 }] },
      heldBy: 'OomKilled',
      heldUntil: now + 9,
    },
    {
      name: 'but more of it then',
      given: { policy: raise, components: [{ ...workflow, oomHeldUntil: now + 9 }] },
      heldBy: undefined,
    },
    {
      name: 'and what goes by another metric',
      given: {
        policy: { ...policy, rules: [{ ...rule, metric: 'queueLength' }] },
        components: [{ ...workflow, oomHeldUntil: now + 9, rows: rowsOf({ queueLength: [150, 150, 150] }) }],
      },
      heldBy: undefined,
    },
    {
      name: 'no limit that is not ours',
      given: { policy: raise, components: [{ ...workflow, memoryLimit: undefined }] },
      heldBy: 'NotOurLimit',
    },
    {
      name: 'no limit beyond its bounds',
      given: { policy: raise, components: [{ ...workflow, memoryLimit: { bytes: 600, disrupts: false } }] },
      heldBy: 'AtBound',
    },
    {
      name: 'nothing while actions do harm in several services',
      given: { brakedUntil: now + 5 },
      heldBy: 'Braked',
      heldUntil: now + 5,
    },
    {
      name: 'workers are reduced without a port to ask',
      given: { policy: shed, components: [{ ...workflow, hasAdmin: false }] },
      heldBy: undefined,
    },
    {
      name: 'not while more Pods may come',
      given: { policy: shed, components: [{ ...workflow, workers: { isAtMax: false, mayReduce: true } }] },
      heldBy: 'NotAtMax',
    },
    {
      name: 'not below the least',
      given: { policy: shed, components: [{ ...workflow, workers: { isAtMax: true, mayReduce: false } }] },
      heldBy: 'AtLeast',
    },
    {
      name: 'not where the Pods have no settings from us',
      given: { policy: shed, components: [{ ...workflow, workers: undefined }] },
      heldBy: 'NoRuntime',
    },
    {
      name: 'not workers while the error budget burns',
      given: { policy: shed, isFrozen: true },
      heldBy: 'BudgetBurning',
    },
    {
      name: 'a Pod is evicted without a port to ask',
      given: { policy: evict, components: [{ ...workflow, hasAdmin: false }] },
      heldBy: undefined,
    },
    {
      name: 'not by a metric that is no single Pod’s',
      given: {
        policy: { ...policy, rules: [{ ...evicting, metric: 'responseTimeP95' }] },
        components: [{ ...workflow, rows: rowsOf({ responseTimeP95: [150, 150, 150] }) }],
      },
      heldBy: 'NoPodFigures',
    },
    {
      name: 'not the last Ready Pod',
      given: { policy: evict, components: [{ ...workflow, readyPods: 1 }] },
      heldBy: 'LastPod',
    },
    {
      name: 'not more Pods in the hour than its bounds let it',
      given: { policy: evict, kept: { ...nothingKept, acts: [evictedAt(3_599_999), evictedAt(1)] } },
      heldBy: 'AtBound',
    },
    {
      name: 'but what was evicted before that hour, or of another component, does not count',
      given: {
        policy: evict,
        kept: { ...nothingKept, acts: [evictedAt(3_600_000), evictedAt(1, 'cache'), evictedAt(2)] },
      },
      heldBy: undefined,
    },
    {
      name: 'no Pod outside of the maintenance windows',
      given: { policy: evict, maintenance: closed },
      heldBy: 'MaintenancePending',
      heldUntil: now + 7,
    },
    { name: 'what stops nobody for long waits for none', given: { maintenance: closed }, heldBy: undefined },
    { name: 'no Pod while the error budget burns', given: { policy: evict, isFrozen: true }, heldBy: 'BudgetBurning' },
    { name: 'not in a paused service', given: { mode: 'Paused' }, heldBy: 'Paused' },
    { name: 'a service in DryRun is only told', given: { mode: 'DryRun' }, heldBy: 'DryRun' },
    {
      name: 'an optimizer in DryRun is only told',
      given: { policy: { ...policy, isOnlyTold: true } },
      heldBy: 'DryRun',
    },
    {
      name: 'a rule in DryRun is only told',
      given: { policy: { ...policy, rules: [{ ...rule, isOnlyTold: true }] } },
      heldBy: 'DryRun',
    },
    {
      name: 'not in the last millisecond of its cooldown',
      given: { kept: cooling },
      heldBy: 'Cooldown',
      heldUntil: now + 1,
    },
    { name: 'but when it is over', given: { kept: cooling, now: now + 1 }, heldBy: undefined },
    {
      name: 'not while another is at work',
      given: { kept: { ...nothingKept, pending } },
      heldBy: 'ActionAtWork',
      heldUntil: now + 140_000,
    },
    {
      name: 'not with six actions in the hour',
      given: { kept: { ...nothingKept, acts: six } },
      heldBy: 'ActionsExhausted',
      heldUntil: now + 600_000,
    },
    { name: 'but with five', given: { kept: { ...nothingKept, acts: six.slice(1) } }, heldBy: undefined },
    {
      name: 'not at all with none allowed',
      given: { policy: { ...policy, maxActionsPerHour: 0 } },
      heldBy: 'ActionsExhausted',
    },
    {
      name: 'what gives something back also while the error budget burns',
      given: { isFrozen: true },
      heldBy: undefined,
    },
  ])('$name', ({ given, heldBy, heldUntil }) => {
    const { looks, action } = lookAtRules({ ...input, ...given });
    expect(looks).toHaveLength(1);
    expect(looks[0]?.heldBy).toBe(heldBy);
    if (heldUntil !== undefined) expect(looks[0]?.heldUntil).toBe(heldUntil);
    expect(action === undefined).toBe(heldBy !== undefined);
  });

  test('what a rule in DryRun would do passes once when a person approves just that', () => {
    const told = { ...policy, rules: [{ ...rule, isOnlyTold: true }] };
    const look = (given: Partial<LookInput>) => lookAtRules({ ...input, policy: told, ...given });
    const approved = look({}).looks[0]?.approval;
    expect(approved).toMatch(/^[0-9a-f]{12}$/);
    expect(look({ approved }).action).toMatchObject({ rule: 'gc' });
    expect(look({ approved: 'another' }).action).toBeUndefined();
    expect(look({ approved, mode: 'DryRun' })).toMatchObject({ action: undefined, looks: [{ heldBy: 'DryRun' }] });
    const acted = { records: { 'workflow/gc': { ...record, nextAt: now } }, acts: [] };
    expect(look({ approved, kept: acted })).toMatchObject({ action: undefined, looks: [{ heldBy: 'DryRun' }] });
    const other = { ...policy, rules: [{ ...rule, isOnlyTold: true, value: 99 }] };
    expect(look({ approved, policy: other }).action).toBeUndefined();
  });

  test('the value that approves a rule is told while another action is at work', () => {
    const told = { ...policy, rules: [{ ...rule, isOnlyTold: true }] };
    const look = (given: Partial<LookInput>) => lookAtRules({ ...input, policy: told, ...given }).looks[0];
    const { approval = '' } = look({}) ?? {};
    const kept = { ...nothingKept, pending };
    expect(look({ kept })).toMatchObject({ heldBy: 'ActionAtWork', heldUntil: judgedAt(pending), approval });
    expect(look({ kept, approved: approval })).not.toHaveProperty('approval'); // it acts as soon as that is over
    expect(look({ kept, policy })).not.toHaveProperty('approval'); // it needs none
    expect(look({ kept, mode: 'DryRun' })).not.toHaveProperty('approval'); // none lets it pass
    expect(look({ kept: { ...kept, records: cooling.records } })).not.toHaveProperty('approval'); // its cooldown comes first
    const own = withPending(nothingKept, { ...pending, rule: 'gc' }, { cooldownMs: 10_000, maxBackoffMs: 60_000 });
    expect(look({ kept: own })).toMatchObject({ heldBy: 'ActionAtWork' });
    expect(look({ kept: own })).not.toHaveProperty('approval'); // what its own action comes to says when it acts again
  });

  test('what it does is what its rule says, from now on', () => {
    expect(lookAtRules(input).action).toEqual({ ...pending, rule: 'gc', begunAt: now });
  });

  test.each<{
    readonly name: string;
    readonly usageEveryMs?: number;
    readonly metric?: OptimizerRule['metric'];
    readonly settleMs?: number;
    readonly expected: number;
  }>([
    { name: 'as declared, where its metric comes anew with each row', settleMs: 1_000, expected: 1_000 },
    { name: 'as by default, where figures come every 15 s (2 × 15)', usageEveryMs: 15_000, expected: 30_000 },
    { name: 'until a figure from after the action is there', usageEveryMs: 60_000, expected: 120_000 },
    { name: 'the same where less is declared', usageEveryMs: 15_000, settleMs: 29_999, expected: 30_000 },
    { name: 'the same by CPU', metric: 'cpuPercent', usageEveryMs: 15_000, settleMs: 1_000, expected: 30_000 },
    {
      name: 'as declared, by what a Pod itself says',
      metric: 'queueLength',
      usageEveryMs: 60_000,
      settleMs: 1_000,
      expected: 1_000,
    },
  ])('it settles $name', ({ usageEveryMs = 0, metric = 'memory', settleMs = rule.settleMs, expected }) => {
    const rows = rowsOf({ [metric]: [150, 150, 150] });
    const components = [{ ...workflow, rows, usageEveryMs }];
    const answer = lookAtRules({ ...input, policy: { ...policy, rules: [{ ...rule, metric, settleMs }] }, components });
    expect(answer.action).toMatchObject({ settleMs: expected });
    expect(answer.looks[0]?.settles).toEqual(
      expected === settleMs ? undefined : { declaredMs: settleMs, ms: expected, everyMs: usageEveryMs },
    );
  });

  test('of several that would act one does, by the order of the policy', () => {
    const rules = [rule, { ...rule, name: 'second' }];
    const components = [workflow, { ...workflow, name: 'cache' }];
    const { looks, action } = lookAtRules({ ...input, policy: { ...policy, rules }, components });
    expect(looks.map(({ component, rule: name, heldBy }) => [component, name, heldBy])).toEqual([
      ['workflow', 'gc', undefined],
      ['cache', 'gc', 'ActionAtWork'],
      ['workflow', 'second', 'ActionAtWork'],
      ['cache', 'second', 'ActionAtWork'],
    ]);
    expect(action).toMatchObject({ component: 'workflow', rule: 'gc' });
  });

  test('components of which nothing fresh is known, or nothing was read yet, are named', () => {
    const components = [
      workflow,
      { ...workflow, name: 'silent', rows: rowsOf({ memory: [1] }, { answered: [0] }) },
      { ...workflow, name: 'new', rows: rowsOf({}) },
    ];
    expect(lookAtRules({ ...input, components })).toMatchObject({ blind: ['silent'], unread: ['new'] });
  });

  test('however it goes, two actions are never at work together and never more than the hour allows', () => {
    const figures = fc.array(fc.constantFrom(50, 150), { minLength: 40, maxLength: 120 });
    fc.assert(
      fc.property(figures, fc.integer({ min: 0, max: 4 }), (memory, maxActionsPerHour) => {
        let kept: KeptOptimizer = nothingKept;
        const begun: number[] = [];
        for (const [minute, value] of memory.entries()) {
          const at = now + minute * 60_000;
          if (kept.pending !== undefined && at >= judgedAt(kept.pending))
            kept = { records: kept.records, acts: kept.acts };
          const { action } = lookAtRules({
            ...input,
            kept,
            now: at,
            policy: { ...policy, maxActionsPerHour },
            components: [
              {
                ...workflow,
                rows: { ...rowsOf({ memory: [value, value, value] }), times: [at - 20_000, at - 10_000, at] },
              },
            ],
          });
          if (action === undefined) continue;
          expect(kept.pending).toBeUndefined();
          kept = withDone(withPending(kept, action, { cooldownMs: 300_000, maxBackoffMs: 3_600_000 }), at);
          begun.push(at);
        }
        for (const at of begun)
          expect(begun.filter((other) => other <= at && at - other < 3_600_000).length).toBeLessThanOrEqual(
            maxActionsPerHour,
          );
      }),
      { numRuns: 50 },
    );
  });
});
