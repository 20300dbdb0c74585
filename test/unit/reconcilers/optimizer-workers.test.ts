import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import type { PendingAction } from '../../../operator/decide/optimizer/kept.ts';
import { optimizerRules } from '../../../operator/decide/optimizer/rules.ts';
import { resolve } from '../../../operator/decide/resolve.ts';
import { acknowledgement, givenBack, workersOf } from '../../../operator/reconcilers/optimizer-workers.ts';
import { hpa, storedService } from '../../world/builders.ts';
import { now, rowMs, rowsOf, same } from '../decide/optimizer/made-rows.ts';
import { feedCaches } from './fed-caches.ts';
import { horizontalPodAutoscalers } from '../../../operator/levers/horizontal/hpa.ts';

const hash = 'aaaaaaaaaaaa';
const current = { hash, podsCurrent: 2, podsTotal: 2 };

function resolved({
  overrides = { runtime: { mode: 'Enforce' } },
  runtime = current,
  replicas = 20,
}: {
  readonly overrides?: GenerationServiceSpec['overrides'] & object;
  /** null: nobody has said. */
  readonly runtime?: object | null;
  readonly replicas?: number;
} = {}) {
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' };
  const service = storedService({
    spec: { overrides, components: [{ name: 'workflow', targetRef }] },
    status: { components: [{ name: 'workflow', ...(runtime !== null && { runtime }) }] },
  });
  const targets = new Map([['workflow', { kind: 'found', replicas, selector: [] }]] as const);
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind === 'problem') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}

describe('workersOf()', () => {
  const off = { runtime: { mode: 'Enforce' }, horizontal: { mode: 'Off' } } as const;
  const direct = { ...off, scaler: { algorithm: 'Score' } } as const;
  test.each<{
    readonly name: string;
    readonly given: Parameters<typeof resolved>[0];
    readonly most?: number;
    readonly is: object | undefined;
  }>([
    { name: 'may be reduced at maxReplicas', given: {}, is: { isAtMax: true, mayReduce: true } },
    { name: 'not one below', given: { replicas: 19 }, is: { isAtMax: false, mayReduce: true } },
    {
      name: 'the HPA that is there has the word',
      given: { replicas: 5 },
      most: 5,
      is: { isAtMax: true, mayReduce: true },
    },
    {
      name: 'where nobody scales no more Pods will come',
      given: { overrides: off, replicas: 1 },
      is: { isAtMax: true, mayReduce: true },
    },
    {
      name: 'not while the scaler itself may still add Pods',
      given: { overrides: direct, replicas: 19 },
      is: { isAtMax: false, mayReduce: true },
    },
    { name: 'but at its most', given: { overrides: direct }, is: { isAtMax: true, mayReduce: true } },
    {
      name: 'a scaler in DryRun adds none',
      given: { overrides: { ...off, scaler: { mode: 'DryRun' } }, replicas: 1 },
      is: { isAtMax: true, mayReduce: true },
    },
    { name: 'not without settings from us', given: { overrides: {} }, is: undefined },
    { name: 'not where they are only told', given: { overrides: { runtime: { mode: 'DryRun' } } }, is: undefined },
    { name: 'not before anybody has told what the Pods run with', given: { runtime: null }, is: undefined },
  ])('$name', async ({ given, most, is }) => {
    await using fed = await feedCaches();
    if (most !== undefined)
      await fed.put(horizontalPodAutoscalers, hpa('workflow-hpa', { minReplicas: 1, maxReplicas: most }));
    const of = resolved(given);
    const [component] = of.components;
    if (component === undefined) throw new Error('there is one');
    expect(workersOf(of, component, { caches: fed.caches })).toEqual(is);
  });
});

describe('acknowledgement()', () => {
  const pending = { component: 'workflow', hash, begunAt: now - 300_000 + 1 } as PendingAction;
  test.each([
    { name: 'waits while the settings are as before', runtime: current, is: 'waiting' },
    { name: 'waits while one Pod is behind', runtime: { ...current, hash: 'b', podsCurrent: 1 }, is: 'waiting' },
    { name: 'waits without Pods', runtime: { hash: 'b', podsCurrent: 0, podsTotal: 0 }, is: 'waiting' },
    { name: 'is there when every Pod runs with others', runtime: { ...current, hash: 'b' }, is: 'done' },
  ])('$name', ({ runtime, is }) => expect(acknowledgement(pending, resolved({ runtime }), now)).toBe(is));
  test('is waited for five minutes', () => expect(acknowledgement(pending, resolved(), now + 1)).toBe('failed'));
});

describe('givenBack()', () => {
  const rulesOf = (optimizer: PolicySpec['optimizer'] & object) =>
    optimizerRules(effectivePolicy({ policy: { name: 'p', spec: { optimizer } } }).policy.optimizer);
  const shed = (mode: 'DryRun' | 'Off') => ({ name: 'shed-workers', mode });
  const when = { metric: 'responseTimeP95', operator: 'GreaterThan', value: '2s' } as const;
  const latency = { name: 'latency', action: 'ReduceWorkers', when } as const;
  const own = ['shed-workers', 'shed-workers'];
  const calm = { cpuPercent: same(50, 60), responseTimeP95: same(1.9, 60) };
  const busy = { cpuPercent: same(79, 60), responseTimeP95: same(1.9, 60) };
  test.each<{
    readonly name: string;
    /** null: there is no optimizer. */
    readonly optimizer?: PolicySpec['optimizer'] | null;
    readonly measured: typeof calm;
    readonly isAtWork?: true;
    readonly steps?: readonly string[];
    readonly component?: string;
    /** Undefined: nothing is given back. */
    readonly left?: readonly string[];
  }>([
    { name: 'one step where the pressure is gone', measured: calm, left: ['shed-workers'] },
    { name: 'nothing where it is not', measured: busy },
    { name: 'nothing while another action is at work', measured: calm, isAtWork: true },
    {
      name: 'all the same where the rule is off',
      optimizer: { rules: [shed('Off')] },
      measured: busy,
      isAtWork: true,
      left: [],
    },
    { name: 'all where the rule is off', optimizer: { rules: [shed('Off')] }, measured: busy, left: [] },
    {
      name: 'nothing where the rule is only told: a person approved it',
      optimizer: { rules: [shed('DryRun')] },
      measured: busy,
    },
    { name: 'nothing where the optimizer is only told', optimizer: { mode: 'DryRun' }, measured: busy },
    {
      name: 'and one step when the pressure is gone',
      optimizer: { mode: 'DryRun' },
      measured: calm,
      left: ['shed-workers'],
    },
    { name: 'all without an optimizer', optimizer: null, measured: busy, left: [] },
    { name: 'all of a component that is gone', component: 'gone', measured: busy, left: [] },
    { name: 'nothing where nothing is taken away', optimizer: null, measured: calm, steps: [] },
    {
      name: 'nothing of one rule where only the pressure of another is gone',
      optimizer: { rules: [latency] },
      measured: calm,
      steps: ['shed-workers', 'latency'],
    },
    {
      name: 'just what the rule took that is off',
      optimizer: { rules: [shed('Off'), latency] },
      measured: calm,
      steps: ['shed-workers', 'latency'],
      left: ['latency'],
    },
  ])('$name', ({ optimizer = {}, measured, isAtWork = false, steps = own, component = 'workflow', left }) => {
    const answer = givenBack({
      resolved: resolved(),
      rules: optimizer === null ? undefined : rulesOf(optimizer),
      reductions: { [component]: { steps, changedAt: now - 300_000, waitMs: 300_000 } },
      isAtWork,
      rowsOf: () => rowsOf(measured),
      rowMs,
      now,
    });
    expect(answer).toEqual(left === undefined ? [] : [{ component, from: steps.length, left }]);
  });
});
