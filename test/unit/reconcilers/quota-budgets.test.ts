import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import { podAmounts } from '../../../operator/decide/pod-amounts.ts';
import type { PodsAsked } from '../../../operator/decide/quota-budget.ts';
import { resolve, type ResolvedComponent } from '../../../operator/decide/resolve.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import { judgeQuotaBudgets } from '../../../operator/reconcilers/quota-budgets.ts';
import { projectQuota } from '../../../operator/reconcilers/quota-view.ts';
import { storedService } from '../../world/builders.ts';

const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const containers = [{ name: 'app', requests: { cpu: '500m' }, limits: {} }];
const quotaOf = (hard: Readonly<Record<string, string>>, more: object = {}) =>
  projectQuota({
    metadata: { namespace: 'ai', name: 'compute', uid: 'q', resourceVersion: '1' },
    spec: { hard, ...more },
  } as never);

interface Given {
  readonly hard?: Readonly<Record<string, string>>;
  readonly spec?: Partial<GenerationServiceSpec>;
  /** The Pod template of the target is of a kind that is not read. */
  readonly isUnread?: true;
  /** What another service of the namespace takes; null: it was not looked at. */
  readonly other?: readonly PodsAsked[] | null;
  readonly otherSpec?: Partial<GenerationServiceSpec>;
  /** A Deployment that no service names, and what its HPA may come to. */
  readonly beside?: { readonly replicas: number; readonly max?: number };
}

function judged({ hard = { cpu: '4' }, spec, isUnread, other, otherSpec = {}, beside }: Given) {
  const service = storedService({ spec: { components: [{ name: 'workflow', targetRef }], ...spec } });
  const younger = storedService({
    metadata: { name: 'other', uid: 'o' },
    spec: { components: [{ name: 'workflow', targetRef: { ...targetRef, name: 'other' } }], ...otherSpec },
  });
  const target = { kind: 'found', replicas: 2, selector: [], ...(isUnread ? {} : { containers }) } as const;
  const resolution = resolve({
    service,
    policy: undefined,
    targets: new Map([['workflow', target]]),
    podsMetrics: 'Shadow',
  });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  const podsAsked = createLastWords<readonly PodsAsked[]>();
  if (other) podsAsked.put(younger, other);
  const web = { namespace: 'ai', apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', replicas: 2, containers };
  const proxy = { ...web, name: 'proxy', replicas: beside?.replicas };
  const by = <T>(all: readonly T[]) => ({ by: () => all });
  const isProxy = (value: string) => value.includes('proxy');
  const { resolved } = resolution;
  return judgeQuotaBudgets(resolved, {
    podsAsked,
    caches: {
      services: {
        by: () => [service, ...(other === undefined ? [] : [younger])],
      },
      hpas: {
        by: (_: string, value: string) =>
          isProxy(value) && beside?.max ? [{ spec: { maxReplicas: beside.max } }] : [],
      },
      deployments: by(beside === undefined ? [web] : [web, proxy]),
      statefulSets: by([]),
      quotas: by([quotaOf(hard)]),
    } as never,
  });
}

const asked = (by: string): PodsAsked => ({
  by,
  minReplicas: 2,
  maxReplicas: 20,
  each: podAmounts(
    { spec: {}, policy: { resources: {} }, target: { containers } } as unknown as ResolvedComponent,
    false,
  ) as never,
  hasFewer: true,
});
const bound = (given: Given): object => Object.fromEntries(judged(given).bounds?.[0]?.replicas ?? []);

describe('judgeQuotaBudgets()', () => {
  test.each<Given & { readonly name: string; readonly are: object }>([
    { name: 'what the quota leaves: 4 / 0.5', are: { workflow: { max: 8, by: 'quota/compute requests.cpu' } } },
    { name: 'nothing where all fit', hard: { 'requests.cpu': '10' }, are: {} },
    {
      name: 'nothing where the policy only reports',
      spec: { overrides: { budgets: { onViolation: 'Report' } } },
      are: {},
    },
    { name: 'nothing in DryRun', spec: { mode: 'DryRun' }, are: {} },
    {
      name: 'nothing of an autoscaler that is somebody else’s',
      spec: { overrides: { horizontal: { mode: 'FloorOnly' } } },
      hard: { cpu: '500m' },
      are: {},
    },
    {
      name: 'what the other service leaves: the same share',
      other: [asked('workflow')],
      are: { workflow: { max: 4, by: 'quota/compute requests.cpu' } },
    },
    {
      name: 'all of it where the other only reports of the same workload',
      other: [asked('workflow')],
      otherSpec: { mode: 'DryRun', components: [{ name: 'workflow', targetRef }] },
      are: { workflow: { max: 8, by: 'quota/compute requests.cpu' } },
    },
    {
      name: 'what a workload leaves that no service names: (4 − 3 × 0.5) / 0.5',
      beside: { replicas: 3 },
      are: { workflow: { max: 5, by: 'quota/compute requests.cpu' } },
    },
    {
      name: 'what a workload leaves of whose service nobody knows more, since its policy is missing',
      beside: { replicas: 3 },
      other: [],
      otherSpec: { components: [{ name: 'workflow', targetRef: { ...targetRef, name: 'proxy' } }] },
      are: { workflow: { max: 5, by: 'quota/compute requests.cpu' } },
    },
    {
      name: 'and what its HPA may come to',
      beside: { replicas: 1, max: 4 },
      are: { workflow: { max: 4, by: 'quota/compute requests.cpu' } },
    },
  ])('leaves $name', ({ are, ...given }) => expect(bound(given)).toEqual(are));

  test('nobody knows while another service was not looked at', () => {
    expect(judged({ other: null })).toMatchObject({ unknown: { reason: 'Pending' }, bounds: undefined });
  });

  test('says what fits, and nothing of Pods that ask nothing of it', () => {
    expect(judged({ hard: { cpu: '10', 'count/pods': '30', 'requests.storage': '1Gi' } }).fits).toEqual([
      'The quota fits: 10 of 10 requests.cpu in compute, 20 of 30 pods in compute.',
    ]);
    expect(judged({ hard: { memory: '1Gi' } }).fits).toEqual([]);
    expect(judged({ isUnread: true }).fits).toEqual([]);
    expect(judged({ other: [asked('workflow')] }).problems[0]?.message).toContain(
      '10 of workflow (ai/other) (20 replicas',
    );
  });
});

test('projectQuota(): what is kept for other Pods bounds nothing', () => {
  expect(quotaOf({ cpu: '1.5', 'limits.memory': '1Gi', 'requests.nvidia.com/gpu': '1' })).toEqual({
    namespace: 'ai',
    name: 'compute',
    hard: { 'requests.cpu': 1500, 'limits.memory': 2 ** 30 },
  });
  for (const hard of [
    { cpu: '4', 'requests.cpu': '2' },
    { 'requests.cpu': '2', cpu: '4' },
  ])
    expect(quotaOf(hard).hard).toEqual({ 'requests.cpu': 2000 }); // both are in force
  expect(quotaOf({ cpu: '2', 'requests.cpu': '4' }).hard).toEqual({ 'requests.cpu': 2000 });
  expect(quotaOf({ cpu: '1' }, { scopes: ['NotTerminating'] }).hard).toEqual({ 'requests.cpu': 1000 });
  expect(quotaOf({ cpu: '1' }, { scopes: ['BestEffort'] }).hard).toEqual({});
  expect(quotaOf({ cpu: '1' }, { scopeSelector: { matchExpressions: [] } }).hard).toEqual({});
});
