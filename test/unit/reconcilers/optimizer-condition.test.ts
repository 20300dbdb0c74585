import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { KeptOptimizer, RuleRecord } from '../../../operator/decide/optimizer/kept.ts';
import type { RuleHold } from '../../../operator/decide/optimizer/holds.ts';
import type { LookAnswer } from '../../../operator/decide/optimizer/look.ts';
import { hasOptimizer, optimizerActive, optimizerStatus } from '../../../operator/reconcilers/optimizer-condition.ts';
import { componentOf, serviceWith } from './measured-service.ts';

const gc = {
  component: 'workflow',
  rule: 'gc',
  action: 'CollectGarbage',
  metric: 'memory',
  operator: 'GreaterThan',
  threshold: 1,
  saw: 2,
  heldUntil: undefined,
} as const;
const looked = (heldBy?: RuleHold, more: Partial<LookAnswer> = {}): LookAnswer => ({
  looks: [{ ...gc, heldBy }],
  action: undefined,
  blind: [],
  unread: [],
  ...more,
});
const record: RuleRecord = {
  actedAt: Date.UTC(2026, 0, 1),
  nextAt: Date.UTC(2026, 0, 1, 0, 5),
  backoff: 1,
  metric: 'memory',
  judged: 6,
  improved: 1,
};
const kept: KeptOptimizer = { records: { 'workflow/gc': record }, acts: [] };
const declared = { overrides: { optimizer: { interval: '30s' } } };

interface Row {
  readonly name: string;
  readonly spec?: Partial<GenerationServiceSpec>;
  readonly answer?: LookAnswer | undefined;
  readonly kept?: KeptOptimizer;
  /** The annotation genops.dev/approve. */
  readonly approve?: string;
  readonly says: readonly [status: string, reason: string, message: string] | undefined;
}

describe('optimizerActive()', () => {
  test.each<Row>([
    { name: 'nothing where nobody asked for rules', spec: {}, says: undefined },
    {
      name: 'something where a component says how its Pods are asked',
      spec: {
        components: [
          { ...componentOf('workflow'), admin: { port: 1, scheme: 'HTTP', secretRef: { name: 'admin', key: 'key' } } },
        ],
      },
      says: ['True', 'Active', 'Rules are judged every 60s.'],
    },
    { name: 'that they are judged', says: ['True', 'Active', 'Rules are judged every 30s.'] },
    { name: 'that it is off', spec: { overrides: { optimizer: { mode: 'Off' } } }, says: ['False', 'Off', 'switches'] },
    { name: 'that the service is paused', spec: { ...declared, mode: 'Paused' }, says: ['False', 'Paused', 'paused'] },
    { name: 'nothing before the first look', answer: undefined, says: ['Unknown', 'Pending', 'not read yet'] },
    {
      name: 'nothing before the first rows',
      answer: looked('Quiet', { unread: ['workflow'] }),
      says: ['Unknown', 'Pending', ''],
    },
    {
      name: 'who is silent',
      answer: looked('MetricsMissing', { blind: ['workflow'] }),
      says: ['False', 'MetricsStale', 'no fresh figures of workflow'],
    },
    {
      name: 'that the hour is used up',
      answer: looked('ActionsExhausted'),
      says: ['False', 'ActionsExhausted', '6 actions in an hour, and gc on workflow'],
    },
    {
      name: 'that actions do harm elsewhere',
      answer: looked('Braked'),
      says: ['False', 'Braked', 'harm in several services within the hour, and gc on workflow'],
    },
    {
      name: 'that the error budget burns',
      answer: looked('BudgetBurning'),
      says: ['False', 'BudgetBurning', 'onFastBurn: Ignore'],
    },
    {
      name: 'what would act in DryRun',
      spec: { ...declared, mode: 'DryRun' },
      answer: looked('DryRun'),
      says: ['True', 'DryRun', 'Would act now: gc (CollectGarbage on workflow).'],
    },
    {
      name: 'what one rule in DryRun would do',
      answer: looked('DryRun'),
      says: ['True', 'Active', 'Would act now: gc'],
    },
    {
      name: 'how to let it pass',
      answer: looked('DryRun', { looks: [{ ...gc, heldBy: 'DryRun', approval: 'abc' }] }),
      says: ['True', 'Active', 'To let the first pass once: annotate the service with genops.dev/approve=abc.'],
    },
    {
      name: 'what stands where another value is wanted',
      answer: looked('DryRun', { looks: [{ ...gc, heldBy: 'DryRun', approval: 'abc' }] }),
      approve: 'ab c',
      says: [
        'True',
        'Active',
        'annotate the service with genops.dev/approve=abc (saw "ab c" there, which approves nothing of this: the value is another one after each action and each change of the rule).',
      ],
    },
    {
      name: 'no more than the beginning of what stands there',
      answer: looked('DryRun', { looks: [{ ...gc, heldBy: 'DryRun', approval: 'abc' }] }),
      approve: 'x'.repeat(50),
      says: ['True', 'Active', `genops.dev/approve=abc (saw "${'x'.repeat(40)}…" there, `],
    },
    {
      name: 'nothing of what stands there once it is the right one: the next look takes it',
      answer: looked('DryRun', { looks: [{ ...gc, heldBy: 'DryRun', approval: 'abc' }] }),
      approve: 'abc',
      says: ['True', 'Active', 'annotate the service with genops.dev/approve=abc.'],
    },
    {
      name: 'how to let it pass while another action is at work',
      answer: looked('ActionAtWork', { looks: [{ ...gc, heldBy: 'ActionAtWork', approval: 'abc' }] }),
      says: [
        'True',
        'Active',
        'Would act after the action that is at work: gc (CollectGarbage on workflow). To let the first pass once: annotate the service with genops.dev/approve=abc.',
      ],
    },
    {
      name: 'nothing of what waits for an action and needs nobody',
      answer: looked('ActionAtWork'),
      says: ['True', 'Active', 'Rules are judged every 30s.'],
    },
    {
      name: 'what nobody can be asked for',
      answer: looked('NoAdmin'),
      says: ['True', 'Active', 'components[].admin says nothing of how to ask its Pods: gc on workflow.'],
    },
    {
      name: 'whose metric nobody reads',
      answer: looked('NotMeasured'),
      says: ['True', 'Active', 'Skipped, since nobody reads its metric'],
    },
    {
      name: 'whose limit it may not raise',
      answer: looked('NotOurLimit'),
      says: ['True', 'Active', 'Skipped, since the memory limit is not ours (resources with mode Enforce'],
    },
    {
      name: 'what waits after a kill',
      answer: looked('OomKilled'),
      says: ['True', 'Active', 'Waiting, as a Pod was killed for its memory a short while ago: gc on workflow.'],
    },
    {
      name: 'what it has raised',
      kept: {
        ...kept,
        records: {},
        raises: { workflow: { steps: [{ rule: 'raise', bytes: 2 ** 30 }], changedAt: 0, waitMs: 0 } },
      },
      says: ['True', 'Active', 'Memory limits are raised: workflow to 1024Mi.'],
    },
    {
      name: 'what waits for a maintenance window',
      answer: looked('MaintenancePending', {
        looks: [{ ...gc, heldBy: 'MaintenancePending', heldUntil: Date.UTC(2026, 0, 1, 2) }],
      }),
      says: [
        'True',
        'Active',
        'Waiting for a maintenance window, which opens at 2026-01-01T02:00:00Z: gc on workflow.',
      ],
    },
    {
      name: 'who has too few workers to give any',
      answer: looked('AtLeast', { looks: [{ ...gc, action: 'ReduceWorkers', heldBy: 'AtLeast' }] }),
      says: [
        'True',
        'Active',
        'Skipped, since it can take no more workers (a quarter of fewer than four rounds to none, and half is the least): gc on workflow.',
      ],
    },
    {
      name: 'that the last Pod is left alone',
      answer: looked('LastPod'),
      says: ['True', 'Active', 'Skipped, since it would evict the last Ready Pod: gc on workflow.'],
    },
    {
      name: 'what it has taken away',
      kept: {
        ...kept,
        records: {},
        reductions: {
          workflow: { steps: ['shed'], changedAt: 0, waitMs: 0 },
          cache: { steps: [], changedAt: 0, waitMs: 0 },
        },
      },
      says: ['True', 'Active', 'Workers are reduced: workflow by a quarter.'],
    },
    {
      name: 'what settles for longer than declared',
      answer: {
        ...looked(),
        looks: ['gc', 'gc2'].map((rule) => ({
          ...gc,
          rule,
          heldBy: 'Quiet',
          settles: { declaredMs: 1_000, ms: 30_000, everyMs: 15_000 },
        })),
      },
      says: [
        'True',
        'Active',
        'optimizer.settle 1s is too short for gc on workflow, gc2 on workflow: metrics.k8s.io has CPU and memory anew about every 15s; 30s is taken.',
      ],
    },
    { name: 'what does not help', kept, says: ['True', 'Active', 'gc on workflow does not help (1 of 6 times)'] },
  ])('says $name', ({ spec = declared, kept: known, approve, says, ...given }) => {
    using world = serviceWith({ spec });
    const answer = 'answer' in given ? given.answer : looked('Quiet');
    const { resolved } = world.resolution();
    const metadata = {
      ...resolved.service.metadata,
      ...(approve !== undefined && { annotations: { 'genops.dev/approve': approve } }),
    };
    const annotated = { ...resolved, service: { ...resolved.service, metadata } };
    const [found] = optimizerActive(annotated, { answer, kept: known });
    expect(found?.status).toBe(says?.[0]);
    expect(found?.reason).toBe(says?.[1]);
    if (says !== undefined) expect(found?.message).toContain(says[2]);
  });

  test('rules are judged where they are declared and not switched off', () => {
    const isJudged = (spec: Partial<GenerationServiceSpec>): boolean => {
      using world = serviceWith({ spec });
      return hasOptimizer(world.resolution().resolved);
    };
    expect([isJudged({}), isJudged(declared), isJudged({ overrides: { optimizer: { mode: 'Off' } } })]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

describe('optimizerStatus()', () => {
  test('has the rules that have acted, the newest first, with figures in their unit', () => {
    const later = {
      ...record,
      actedAt: record.actedAt + 1_000,
      outcome: 'Improved',
      before: 2 ** 30,
      after: 2 ** 29,
    } as const;
    expect(optimizerStatus({ records: { 'workflow/gc': record, 'cache/gc': later } })).toEqual([
      {
        name: 'gc',
        component: 'cache',
        lastAction: { time: '2026-01-01T00:00:01Z', outcome: 'Improved', before: '1024Mi', after: '512Mi' },
        nextEligibleTime: '2026-01-01T00:05:00Z',
        backoffMultiplier: 1,
      },
      {
        name: 'gc',
        component: 'workflow',
        lastAction: { time: '2026-01-01T00:00:00Z' },
        nextEligibleTime: '2026-01-01T00:05:00Z',
        backoffMultiplier: 1,
      },
    ]);
  });
  test('is empty where nothing has acted, and has 32 at most', () => {
    expect(optimizerStatus(undefined)).toEqual([]);
    const records = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`workflow/r${n}`, record]));
    expect(optimizerStatus({ records })).toHaveLength(32);
  });
});
