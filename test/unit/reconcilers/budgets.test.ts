import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { ServerMemory } from '../../../operator/decide/memory-budget.ts';
import type { Raises } from '../../../operator/decide/optimizer/raise.ts';
import type { PodsAsked } from '../../../operator/decide/quota-budget.ts';
import { resolve } from '../../../operator/decide/resolve.ts';
import type { Observation } from '../../../operator/levers/run.ts';
import { judgeBudgets } from '../../../operator/reconcilers/budgets.ts';
import { createConnectionUses } from '../../../operator/reconcilers/connection-uses.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import { storedService } from '../../world/builders.ts';

const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const gib = 2 ** 30;

interface Given {
  readonly spec?: Partial<GenerationServiceSpec>;
  /** Requests and limits of the container. */
  readonly limits?: Readonly<Record<string, string>>;
  /** CPU of the namespace's quota. */
  readonly quota?: number;
  /** Its bytes for limits. */
  readonly memoryQuota?: number;
  readonly raises?: Raises;
  readonly memory?: ServerMemory;
  /** Of a Redis: keys, and what they take. */
  readonly cache?: { readonly keys: number; readonly usedMemoryBytes: number };
}

function judged({ spec, limits = {}, quota, memoryQuota, raises, memory, cache }: Given) {
  const service = storedService({ spec: { components: [{ name: 'workflow', targetRef }], ...spec } });
  const containers = [{ name: 'app', requests: {}, limits }];
  const target = { kind: 'found', replicas: 2, selector: [], containers } as const;
  const targets = new Map([['workflow', target]]);
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  const redis = { name: 'redis', memoryOf: () => memory, cacheOf: () => cache };
  const seen = { kind: 'seen', value: {} };
  const looked = [
    { lever: redis, unit: { name: 'cache', mode: 'Enforce' }, seen },
  ] as unknown as readonly Observation[];
  const none = { by: () => [] };
  const quotas = [
    ...(quota === undefined ? [] : [{ name: 'compute', hard: { 'requests.cpu': quota * 1000 } }]),
    ...(memoryQuota === undefined ? [] : [{ name: 'memory', hard: { 'limits.memory': memoryQuota } }]),
  ];
  const deps = {
    connectionUses: createConnectionUses(),
    podsAsked: createLastWords<readonly PodsAsked[]>(),
    caches: {
      services: { list: () => [service], by: () => [service] },
      hpas: none,
      deployments: none,
      statefulSets: none,
      quotas: { by: () => quotas },
    } as never,
  };
  return judgeBudgets(resolution.resolved, looked, deps, { raises });
}
const condition = (given: Given) => judged(given).conditions[0];

describe('judgeBudgets()', () => {
  test('says nothing where nothing is to be reckoned, but to who asks', () => {
    expect(judged({}).conditions).toEqual([]);
    expect(condition({ spec: { overrides: { budgets: { onViolation: 'Report' } } } })).toMatchObject({
      status: 'True',
      reason: 'Consistent',
      message: expect.stringMatching(/^There is nothing to be reckoned: no PostgreSQL, no ResourceQuota/),
    });
  });

  test('says all that does not fit, the first of it as the reason, and what fits only where all does', () => {
    const memory = { declaredBytes: gib, limitBytes: gib, persists: true, loweredTo: undefined };
    const overrides: GenerationServiceSpec['overrides'] = { runtime: { memory: { collectAbove: '4Gi' } } };
    const all = condition({ quota: 4, limits: { cpu: '1', memory: '2Gi' }, memory, spec: { overrides } });
    expect(all).toMatchObject({ status: 'False', reason: 'QuotaExceeded' });
    expect(all?.message.split(' | ').map((text) => text.slice(0, 30))).toEqual(
      ['saw 20 requests.cpu that Pods m', 'saw maxmemory 1024Mi for cache', 'saw runtime.memory.collectAbov'].map(
        (text) => text.slice(0, 30),
      ),
    );
    expect(condition({ quota: 20, limits: { cpu: '1' }, memory: { ...memory, limitBytes: 2 * gib } })).toMatchObject({
      status: 'True',
      message: 'The quota fits: 20 of 20 requests.cpu in compute. The memory of their containers is enough for cache.',
    });
  });

  test.each<{ name: string; cache?: Given['cache']; entries?: number; said: boolean | undefined }>([
    {
      name: 'half of the container, by the size that keys have',
      cache: { keys: 1000, usedMemoryBytes: 1024 * 1000 },
      entries: 1_048_576,
      said: false,
    },
    { name: 'one entry more', cache: { keys: 1000, usedMemoryBytes: 1024 * 1000 }, entries: 1_048_577, said: true },
    {
      name: 'the size rounded down to a power of two',
      cache: { keys: 1000, usedMemoryBytes: 2047 * 1000 },
      entries: 1_048_576,
      said: false,
    },
    { name: 'too few keys to tell', cache: { keys: 999, usedMemoryBytes: gib }, entries: 1_000_000, said: undefined },
    { name: 'no Redis', entries: 1_000_000, said: undefined },
  ])('L1: $name', ({ cache, entries = 1000, said }) => {
    const overrides = { runtime: { cache: { l1: { entries } } } };
    const found = condition({ limits: { memory: '2Gi' }, spec: { overrides }, ...(cache && { cache }) });
    expect(found?.reason).toBe(said === undefined ? undefined : said ? 'MemoryExceeded' : 'Consistent');
  });

  test('a memory limit that is raised takes of the quota as it is', () => {
    const overrides = { resources: { mode: 'Enforce' }, horizontal: { maxReplicas: 4 } } as const;
    const given = { limits: { memory: '2Gi' }, memoryQuota: 4 * 2 * gib, spec: { overrides } };
    expect(condition(given)).toMatchObject({ reason: 'Consistent' });
    const raises = { workflow: { steps: [{ rule: 'raise', bytes: 2.5 * gib }], changedAt: 0, waitMs: 0 } };
    expect(condition({ ...given, raises })).toMatchObject({ reason: 'QuotaExceeded' });
  });

  test('of a workload that has no settings from us nothing is reckoned', () => {
    const given = (mode: 'DryRun' | 'Off') => ({
      limits: { memory: '2Gi' },
      spec: { overrides: { runtime: { mode, memory: { collectAbove: '4Gi' } } } },
    });
    expect(condition(given('DryRun'))?.reason).toBe('MemoryExceeded');
    expect(condition(given('Off'))).toBeUndefined();
  });

  describe('time-outs', () => {
    const overrides: GenerationServiceSpec['overrides'] = { runtime: { http: { timeout: '2m' } } };
    const behind = (nginx: object): Partial<GenerationServiceSpec> => ({
      overrides,
      loadBalancer: { type: 'Nginx', nginx: { podSelector: { matchLabels: { app: 'nginx' } }, ...nginx } },
    });
    test.each<[string, Partial<GenerationServiceSpec>, string | undefined]>([
      ['of the first component where there are no routes', behind({}), 'TimeoutsInverted'],
      ['of a route', behind({ routes: [{ path: '/', component: 'workflow', streaming: 'Off' }] }), 'TimeoutsInverted'],
      ['not of a stream', behind({ routes: [{ path: '/', component: 'workflow', streaming: 'On' }] }), undefined],
      [
        'not of a component that nginx does not know',
        behind({ routes: [{ path: '/', component: 'api', streaming: 'Off' }] }),
        undefined,
      ],
      ['not without nginx', { overrides }, undefined],
      [
        'not where nginx is switched off',
        { ...behind({}), overrides: { ...overrides, loadBalancer: { mode: 'Off' } } },
        undefined,
      ],
      [
        'not where the workload has none from us',
        { ...behind({}), overrides: { runtime: { ...overrides?.runtime, mode: 'Off' } } },
        undefined,
      ],
    ])('are judged %s', (_, spec, reason) => expect(condition({ spec })?.reason).toBe(reason));
  });
});
