import { describe, expect, test } from '@jest/globals';
import type { ComponentOverrides, PolicySpec } from '../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';

interface Layers {
  readonly policy?: PolicySpec;
  readonly overrides?: PolicySpec;
  readonly component?: ComponentOverrides;
}

const merged = ({ policy, overrides = {}, component }: Layers) =>
  effectivePolicy({
    ...(policy === undefined ? {} : { policy: { name: 'standard', spec: policy } }),
    overrides,
    ...(component === undefined ? {} : { component: { name: 'workflow', overrides: component } }),
  });

const cpuAt = (averageUtilization: number) =>
  ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }) as const;

describe('with no layer at all', () => {
  const { policy, origins, problems } = effectivePolicy({});

  test('the figures of the guide hold', () => {
    expect(policy).toMatchObject({
      objectives: { workflowDuration: { target: '30s', percentile: 95 }, cacheHitRatio: { target: '0.70' } },
      collector: { interval: '10s', history: 1000 },
      resources: { mode: 'DryRun', requests: { cpu: '500m', memory: '1Gi' } },
      horizontal: { minReplicas: 2, maxReplicas: 20, behavior: { scaleDown: { stabilizationWindowSeconds: 300 } } },
      vertical: { mode: 'DryRun', minAllowed: { cpu: '100m' } },
      scaler: { cooldown: '300s', scaleUp: { threshold: 50, step: 2 }, scaleDown: { threshold: 60, step: 1 } },
      redis: { maxMemory: '1Gi', parameters: { 'tcp-keepalive': '300' } },
      runtime: { pools: { ai_api: 5, io: 20, cpu: 2 } },
    });
  });

  test('nothing contradicts anything', () => {
    expect(problems).toEqual([]);
  });

  test('every value says that it is a default', () => {
    expect(new Set(origins.values())).toEqual(new Set(['default']));
    expect(origins.get('redis.parameters.save')).toBe('default');
    expect(origins.get('scaler.scaleUp.signals[cpu].score')).toBe('default');
  });

  test('fields that have no figure are absent', () => {
    expect(policy.redis).not.toHaveProperty('maxMemoryPercentOfLimit');
    expect(policy.scaler).not.toHaveProperty('fallback');
    expect(policy.postgres).not.toHaveProperty('sizing');
  });
});

describe('layers', () => {
  test('the component wins over the overrides, these over the policy, and that over the defaults', () => {
    const { policy, origins } = merged({
      policy: { horizontal: { minReplicas: 3, maxReplicas: 30, podsMetrics: 'Shadow' } },
      overrides: { horizontal: { minReplicas: 4, maxReplicas: 40 } },
      component: { horizontal: { minReplicas: 5 } },
    });
    expect(policy.horizontal).toMatchObject({
      minReplicas: 5,
      maxReplicas: 40,
      podsMetrics: 'Shadow',
      mode: 'Enforce',
    });
    expect(
      ['minReplicas', 'maxReplicas', 'podsMetrics', 'mode'].map((field) => origins.get(`horizontal.${field}`)),
    ).toEqual(['component workflow', 'GenerationService overrides', 'policy standard', 'default']);
  });

  test('a list without names is replaced whole', () => {
    const metrics: NonNullable<PolicySpec['horizontal']>['metrics'] = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
    ];
    expect(merged({ overrides: { horizontal: { metrics } } }).policy.horizontal.metrics).toEqual(metrics);
  });

  test('a list with names is merged by name, field by field, new entries last', () => {
    const { policy, origins } = merged({
      policy: { optimizer: { rules: [{ name: 'gc-on-memory', cooldown: '600s' }] } },
      overrides: {
        optimizer: {
          rules: [
            {
              name: 'mine',
              when: { metric: 'errorRatio', operator: 'GreaterThan', value: '0.1' },
              action: 'ClearExpiredCache',
            },
            { name: 'gc-on-memory', when: { value: '1Gi' } },
          ],
        },
      },
    });
    expect(policy.optimizer.rules.map(({ name }) => name)).toEqual([
      'gc-on-memory',
      'shed-workers',
      'clear-expired',
      'warm-cache',
      'mine',
    ]);
    expect(policy.optimizer.rules[0]).toEqual({
      name: 'gc-on-memory',
      mode: 'Enforce',
      when: { metric: 'memory', operator: 'GreaterThan', value: '1Gi', for: '0s' },
      action: 'CollectGarbage',
      cooldown: '600s',
    });
    expect(origins.get('optimizer.rules[gc-on-memory].cooldown')).toBe('policy standard');
    expect(origins.get('optimizer.rules[gc-on-memory].when.value')).toBe('GenerationService overrides');
  });

  test('an entry that is switched off is gone, and says who did it', () => {
    const { policy, origins, problems } = merged({
      overrides: { optimizer: { rules: [{ name: 'shed-workers', mode: 'Off' }] } },
    });
    expect(policy.optimizer.rules.map(({ name }) => name)).not.toContain('shed-workers');
    expect(origins.get('optimizer.rules[shed-workers].mode')).toBe('GenerationService overrides');
    expect(problems).toEqual([]);
  });

  test('an entry that nobody knows may be switched off as well', () => {
    const { problems } = merged({ overrides: { optimizer: { rules: [{ name: 'gone', mode: 'Off' }] } } });
    expect(problems).toEqual([]);
  });

  test('a later layer may switch an entry on again', () => {
    const { policy } = merged({
      policy: { optimizer: { rules: [{ name: 'shed-workers', mode: 'Off' }] } },
      overrides: { optimizer: { rules: [{ name: 'shed-workers', mode: 'DryRun' }] } },
    });
    expect(policy.optimizer.rules.find(({ name }) => name === 'shed-workers')).toMatchObject({ mode: 'DryRun' });
  });

  test('a map is merged by key', () => {
    const { policy, origins } = merged({ overrides: { redis: { parameters: { save: '', hz: '20' } } } });
    expect(policy.redis.parameters).toMatchObject({ save: '', hz: '20', 'tcp-keepalive': '300' });
    expect(origins.get('redis.parameters.hz')).toBe('GenerationService overrides');
  });

  test('of two fields that exclude each other the later layer decides', () => {
    const percent = merged({
      policy: { redis: { maxMemory: '2Gi' } },
      overrides: { redis: { maxMemoryPercentOfLimit: 50 } },
    });
    expect(percent.policy.redis.maxMemoryPercentOfLimit).toBe(50);
    expect(percent.policy.redis).not.toHaveProperty('maxMemory');
    expect(percent.origins.has('redis.maxMemory')).toBe(false);
    const fixed = merged({
      policy: { redis: { maxMemoryPercentOfLimit: 50 } },
      overrides: { redis: { maxMemory: '2Gi' } },
    });
    expect(fixed.policy.redis).toMatchObject({ maxMemory: '2Gi' });
    expect(fixed.policy.redis).not.toHaveProperty('maxMemoryPercentOfLimit');
  });

  test('a struct that is absent by default has its own figures once somebody mentions it', () => {
    const { policy } = merged({
      overrides: { scaler: { onMissingMetrics: 'MaxOfCurrentAndFallback', fallback: { replicas: 4 } } },
    });
    expect(policy.scaler.fallback).toEqual({ replicas: 4, after: '3m' });
  });

  test.each<{ name: string; layers: Layers; percent: number }>([
    {
      name: 'that of a safety net under Lookahead',
      layers: { overrides: { scaler: { algorithm: 'Lookahead' } } },
      percent: 85,
    },
    {
      name: 'also of one component alone',
      layers: { component: { scaler: { algorithm: 'Lookahead' } } },
      percent: 85,
    },
    { name: 'that of the guide under Score', layers: { overrides: { scaler: { algorithm: 'Score' } } }, percent: 70 },
    {
      name: 'and where Lookahead only tells',
      layers: { overrides: { scaler: { algorithm: 'Lookahead', mode: 'DryRun' } } },
      percent: 70,
    },
    {
      name: 'what somebody gave it',
      layers: { policy: { horizontal: { metrics: [cpuAt(60)] } }, overrides: { scaler: { algorithm: 'Lookahead' } } },
      percent: 60,
    },
  ])('the CPU target of the HPA is $name', ({ layers, percent }) => {
    const [cpu, ...others] = merged(layers).policy.horizontal.metrics;
    expect(cpu?.resource?.target.averageUtilization).toBe(percent);
    expect(others).toEqual(percent === 60 ? [] : effectivePolicy({}).policy.horizontal.metrics.slice(1));
  });

  test('null says nothing: what a layer below says stays', () => {
    const overrides = JSON.parse('{"horizontal": {"minReplicas": null}, "redis": null}') as PolicySpec;
    const { policy, origins } = merged({ policy: { horizontal: { minReplicas: 3 } }, overrides });
    expect(policy).toMatchObject({ horizontal: { minReplicas: 3 }, redis: { maxMemory: '1Gi' } });
    expect(origins.get('horizontal.minReplicas')).toBe('policy standard');
  });

  test('fields called like methods of Object are no trap', () => {
    const { policy } = merged({ overrides: { runtime: { pools: { constructor: 3 } } } });
    expect(policy.runtime.pools).toMatchObject({ constructor: 3, io: 20 });
  });
});

describe('what each layer keeps and all together do not', () => {
  test.each<Layers & { name: string; field: string; saw: string; wanted: string }>([
    {
      name: 'minReplicas of the policy above maxReplicas of the component',
      policy: { horizontal: { minReplicas: 5 } },
      component: { horizontal: { maxReplicas: 3 } },
      field: 'horizontal.minReplicas',
      saw: 'minReplicas: 5 (policy standard), maxReplicas: 3 (component workflow)',
      wanted: 'minReplicas must be at most maxReplicas',
    },
    {
      name: 'minReplicas of the overrides above the default of maxReplicas',
      overrides: { horizontal: { minReplicas: 21 } },
      field: 'horizontal.minReplicas',
      saw: 'minReplicas: 21 (GenerationService overrides), maxReplicas: 20 (default)',
      wanted: 'minReplicas must be at most maxReplicas',
    },
    {
      name: 'a request above the default of its limit, in other units',
      component: { resources: { requests: { memory: '2049Mi' } } },
      field: 'resources.requests.memory',
      saw: 'requests.memory: 2049Mi (component workflow), limits.memory: 2Gi (default)',
      wanted: 'requests.memory must be at most limits.memory',
    },
    {
      name: 'a time-out of the collector above its interval',
      overrides: { collector: { interval: '1s' } },
      field: 'collector.timeout',
      saw: 'timeout: 2s (default), interval: 1s (GenerationService overrides)',
      wanted: 'timeout must be at most interval',
    },
    {
      name: 'fewer than three snapshots in the baseline',
      policy: { collector: { interval: '41s' } },
      field: 'collector.interval',
      saw: 'collector.interval: 41s (policy standard), optimizer.baseline: 120s (default)',
      wanted: 'optimizer.baseline must be at least 3 times collector.interval',
    },
    {
      name: 'a fallback below minReplicas',
      overrides: { scaler: { onMissingMetrics: 'MaxOfCurrentAndFallback', fallback: { replicas: 1 } } },
      field: 'horizontal.minReplicas',
      saw: 'horizontal.minReplicas: 2 (default), scaler.fallback.replicas: 1 (GenerationService overrides)',
      wanted: 'horizontal.minReplicas must be at most scaler.fallback.replicas',
    },
    {
      name: 'a fallback that nothing uses',
      overrides: { scaler: { fallback: { replicas: 4 } } },
      field: 'scaler.fallback',
      saw: 'fallback: {"replicas":4,"after":"3m"}, onMissingMetrics: Hold (default)',
      wanted: 'fallback needs onMissingMetrics: MaxOfCurrentAndFallback',
    },
    {
      name: 'a rule whose value is not in the unit of its metric',
      overrides: { optimizer: { rules: [{ name: 'clear-expired', when: { metric: 'cpuPercent' } }] } },
      field: 'optimizer.rules[clear-expired].when.metric',
      saw: 'metric: cpuPercent (GenerationService overrides), value: 2s (default)',
      wanted: 'must compare a known metric with a value in its unit',
    },
    {
      name: 'an action that needs bounds',
      overrides: { optimizer: { rules: [{ name: 'gc-on-memory', action: 'RaiseMemoryLimit' }] } },
      field: 'optimizer.rules[gc-on-memory].action',
      saw: 'action: RaiseMemoryLimit (GenerationService overrides), bounds: nothing',
      wanted: 'bounds must be set for EvictWorstPod and RaiseMemoryLimit alone',
    },
    {
      name: 'a new signal that nobody gave a score',
      overrides: {
        scaler: {
          scaleUp: { signals: [{ name: 'mine', metric: 'errorRatio', operator: 'GreaterThan', value: '0.1' }] },
        },
      },
      field: 'scaler.scaleUp.signals[mine].score',
      saw: 'no value in any layer',
      wanted: 'one: Points that the signal gives when it holds',
    },
    {
      name: 'grades that overlap',
      overrides: { rating: { grades: { good: 85 } } },
      field: 'rating.grades.good',
      saw: 'good: 85 (GenerationService overrides), excellent: 80 (default)',
      wanted: 'good must be at most excellent',
    },
    {
      name: 'a pool whose default least is above its most',
      component: { runtime: { postgresPool: { max: 4 } } },
      field: 'runtime.postgresPool.min',
      saw: 'min: 5 (default), max: 4 (component workflow)',
      wanted: 'min must be at most max',
    },
    ...(['connectTimeout', 'sendTimeout', 'readTimeout'] as const).map((timeout) => ({
      name: `a ${timeout} of nginx in which nothing can be answered`,
      overrides: { loadBalancer: { api: { [timeout]: '0m0s' } } },
      field: `loadBalancer.api.${timeout}`,
      saw: `${timeout}: 0m0s (GenerationService overrides)`,
      wanted: `${timeout} must be more than 0: without any time nothing is ever answered`,
    })),
    ...['0', 0, '0Mi'].map((maxBody) => ({
      name: `a largest request body of ${JSON.stringify(maxBody)}, which nginx takes for any`,
      policy: { loadBalancer: { buffers: { maxBody } } },
      field: 'loadBalancer.buffers.maxBody',
      saw: `maxBody: ${maxBody} (policy standard)`,
      wanted: 'maxBody must be more than 0, which nginx takes for no limit',
    })),
    ...[
      { cached: '/api/', api: undefined },
      { cached: '/', api: undefined },
      { cached: '/api/', api: '/api/v1/' },
    ].map(({ cached, api }) => ({
      name: `a cache of monitoring at ${cached} that covers the API at ${api ?? '/api/'}`,
      policy: {
        loadBalancer: {
          monitoringCache: { pathPrefix: cached },
          ...(api === undefined ? {} : { api: { pathPrefix: api } }),
        },
      },
      field: 'loadBalancer.monitoringCache.pathPrefix',
      saw: `monitoringCache.pathPrefix: ${cached} (policy standard), api.pathPrefix: ${api ?? '/api/'} (${api === undefined ? 'default' : 'policy standard'})`,
      wanted:
        'monitoringCache.pathPrefix must be below api.pathPrefix or beside it: what it covers is cached and, with access Cluster, closed to the outside',
    })),
  ])('$name', ({ field, saw, wanted, ...layers }) => {
    const { problems } = merged(layers);
    expect(problems).toEqual([{ field, saw, wanted, example: expect.stringMatching(/./) }]);
  });

  test.each<Layers & { name: string }>([
    { name: 'equal bounds', overrides: { horizontal: { minReplicas: 20 } } },
    { name: 'equal amounts in other units', overrides: { resources: { requests: { memory: '2048Mi', cpu: 1 } } } },
    { name: 'a baseline of exactly three snapshots', overrides: { collector: { interval: '40s' } } },
    {
      name: 'the shortest time-out and the smallest body',
      overrides: { loadBalancer: { api: { readTimeout: '1ms' }, buffers: { maxBody: 1 } } },
    },
    {
      name: 'a cache of monitoring beside the API',
      overrides: { loadBalancer: { monitoringCache: { pathPrefix: '/monitoring/' } } },
    },
    { name: 'an API that is everything', overrides: { loadBalancer: { api: { pathPrefix: '/' } } } },
  ])('$name are fine', (layers) => {
    expect(merged(layers).problems).toEqual([]);
  });
});

test('a window that the API server takes and that never opens is refused with its field', () => {
  const night = { name: 'night', schedule: '99 2 * * *', duration: '2h', timeZone: 'Mars/Phobos' };
  expect(merged({ policy: { maintenanceWindows: [night] } }).problems).toMatchObject([
    { field: 'maintenanceWindows[night].schedule', saw: '99 2 * * *' },
    { field: 'maintenanceWindows[night].timeZone', saw: 'Mars/Phobos' },
  ]);
});
