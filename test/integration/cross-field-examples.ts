import type { BadExample } from './bad-examples.ts';
import { serviceExamples } from './cross-field-service-examples.ts';

const policy = (name: string, spec: unknown, field: string, message: string): BadExample => ({
  name,
  kind: 'PerformancePolicy',
  spec,
  field: `spec.${field}`,
  message,
});
const podsMetric = (held: object, which: object = {}): object => ({
  horizontal: {
    metrics: [{ type: 'Pods', pods: { metric: { name: 'requests_per_second', ...which }, target: held } }],
  },
});

/** Rules among several fields, and of fields that no sample has, one by one. */
export const crossFieldExamples: readonly BadExample[] = [
  ...serviceExamples,
  policy(
    'an eviction policy that says nothing of the keys',
    { redis: { evictionPolicy: 'lru' } },
    'redis.evictionPolicy',
    'must be noeviction, or begin with allkeys- or volatile-, for example allkeys-lru',
  ),
  policy(
    'the update mode Auto, which is deprecated',
    { vertical: { updateMode: 'Auto' } },
    'vertical.updateMode',
    'Unsupported value: "Auto": supported values: "InPlaceOrRecreate"',
  ),
  policy(
    'a time-out that is longer than the interval',
    { collector: { timeout: '20s', interval: '10s' } },
    'collector.timeout',
    'timeout must be at most interval, for example timeout: 2s, interval: 10s',
  ),
  policy(
    'ratings that fall where they must rise',
    { rating: { cpuPercent: [90, 75, 50] } },
    'rating.cpuPercent',
    'must rise, for example [50, 75, 90]',
  ),
  policy(
    'memory ratings with two equal limits',
    { rating: { memory: ['1Gi', '1024Mi', '2Gi'] } },
    'rating.memory',
    'must rise, for example [1024Mi, 1536Mi, 2048Mi]',
  ),
  policy(
    'response time ratings that fall',
    { rating: { responseTime: ['1s', '500ms', '100ms'] } },
    'rating.responseTime',
    'must rise, for example [100ms, 500ms, 1s]',
  ),
  policy(
    'hit ratio ratings that rise',
    { rating: { cacheHitRatio: ['0.5', '0.7', '0.8'] } },
    'rating.cacheHitRatio',
    'must fall, for example ["0.8", "0.7", "0.5"]',
  ),
  policy(
    'points that rise',
    { rating: { points: [5, 15, 25] } },
    'rating.points',
    'must fall, for example [25, 15, 5]',
  ),
  policy(
    'a grade below the next one',
    { rating: { grades: { fair: 70, good: 60 } } },
    'rating.grades.fair',
    'fair must be at most good, for example fair: 40, good: 60',
  ),
  policy(
    'good above excellent',
    { rating: { grades: { good: 90, excellent: 80 } } },
    'rating.grades.good',
    'good must be at most excellent, for example good: 60, excellent: 80',
  ),
  policy(
    'an attainment window that is too short',
    { objectives: { window: '1h', attainmentWindow: '59m' } },
    'objectives.attainmentWindow',
    'must be a duration from 1h to 720h, for example 1h',
  ),
  policy(
    'a start-up that takes no time',
    { scaler: { lookahead: { startUp: '0s' } } },
    'scaler.lookahead.startUp',
    'must be a duration from 1s to 1h, for example 30s',
  ),
  policy(
    'a CPU request above its limit',
    { resources: { requests: { cpu: 2 }, limits: { cpu: '1500m' } } },
    'resources.requests.cpu',
    'requests.cpu must be at most limits.cpu, for example requests: {cpu: 500m}, limits: {cpu: 1000m}',
  ),
  policy(
    'a memory request above its limit',
    { resources: { requests: { memory: '3Gi' }, limits: { memory: '2Gi' } } },
    'resources.requests.memory',
    'requests.memory must be at most limits.memory, for example requests: {memory: 1Gi}, limits: {memory: 2Gi}',
  ),
  policy(
    'more replicas at least than at most',
    { horizontal: { minReplicas: 5, maxReplicas: 3 } },
    'horizontal.minReplicas',
    'minReplicas must be at most maxReplicas, for example minReplicas: 2, maxReplicas: 20',
  ),
  policy(
    'a metric without the member of its type',
    { horizontal: { metrics: [{ type: 'Pods', resource: { name: 'cpu', target: { type: 'Value', value: 1 } } }] } },
    'horizontal.metrics[0]',
    'must have exactly the member that its type names',
  ),
  policy(
    'a target without the field of its type',
    { horizontal: { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }] } },
    'horizontal.metrics[0].resource.target',
    'must hold the field that its type names, for example type: Utilization with averageUtilization: 70',
  ),
  policy(
    'a target of nothing, by which every load is too much',
    podsMetric({ type: 'AverageValue', averageValue: '0.0' }),
    'horizontal.metrics[0].pods.target.averageValue',
    'must be more than 0, for example 100',
  ),
  policy(
    'a selector on what is measured of each Pod as a whole',
    podsMetric({ type: 'AverageValue', averageValue: '100' }, { selector: { matchLabels: { route: 'chat' } } }),
    'horizontal.metrics[0].pods.metric',
    'must have no selector where its name is requests_per_second, which genops measures of each pod as a whole, for example name: requests_per_second',
  ),
  ...[
    podsMetric({ type: 'Utilization', averageUtilization: 70 }),
    { horizontal: { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Value', value: 1 } } }] } },
  ].map((spec) =>
    policy(
      'a target that the autoscaler takes nowhere, or not there',
      spec,
      'horizontal.metrics[0]',
      'must have a target of a type that the autoscaler takes there: AverageValue, or Utilization of a resource, for example target: {type: AverageValue, averageValue: "100"}',
    ),
  ),
  policy(
    'CPU bounds of the vertical autoscaler in the wrong order',
    { vertical: { minAllowed: { cpu: 4 }, maxAllowed: { cpu: 2 } } },
    'vertical.minAllowed.cpu',
    'minAllowed.cpu must be at most maxAllowed.cpu',
  ),
  policy(
    'memory bounds of the vertical autoscaler in the wrong order',
    { vertical: { minAllowed: { memory: '4Gi' }, maxAllowed: { memory: '2Gi' } } },
    'vertical.minAllowed.memory',
    'minAllowed.memory must be at most maxAllowed.memory',
  ),
  policy(
    'a fallback that nothing uses',
    { scaler: { onMissingMetrics: 'Hold', fallback: { replicas: 4 } } },
    'scaler.fallback',
    'fallback needs onMissingMetrics: MaxOfCurrentAndFallback',
  ),
  policy(
    'a fallback above maxReplicas',
    { scaler: { fallback: { replicas: 40 } }, horizontal: { maxReplicas: 20 } },
    'scaler.fallback.replicas',
    'scaler.fallback.replicas must be at most horizontal.maxReplicas',
  ),
  policy(
    'a fallback below minReplicas',
    { scaler: { fallback: { replicas: 1 } }, horizontal: { minReplicas: 2 } },
    'horizontal.minReplicas',
    'horizontal.minReplicas must be at most scaler.fallback.replicas',
  ),
  policy(
    'a baseline of two snapshots',
    { optimizer: { baseline: '20s' }, collector: { interval: '10s' } },
    'collector.interval',
    'optimizer.baseline must be at least 3 times collector.interval',
  ),
  policy(
    'an action without the bounds that it needs',
    { optimizer: { rules: [{ name: 'grow', action: 'RaiseMemoryLimit' }] } },
    'optimizer.rules[0].action',
    'bounds must be set for EvictWorstPod and RaiseMemoryLimit alone',
  ),
  policy(
    'a step beyond its end',
    { optimizer: { rules: [{ name: 'grow', action: 'RaiseMemoryLimit', bounds: { step: '2Gi', max: '1Gi' } }] } },
    'optimizer.rules[0].bounds.step',
    'step must be at most max, for example step: 256Mi, max: 4Gi',
  ),
  policy(
    'weights in the wrong order',
    { loadBalancer: { weights: { min: 50, max: 40 } } },
    'loadBalancer.weights.min',
    'min must be at most max, for example min: 10, max: 100',
  ),
  policy(
    'weights that are equal before they follow fully',
    { loadBalancer: { weights: { followBelowPercent: 95, equalAbovePercent: 90 } } },
    'loadBalancer.weights.followBelowPercent',
    'followBelowPercent must be at most equalAbovePercent, for example followBelowPercent: 60, equalAbovePercent: 90',
  ),
  policy(
    'two ways to say how much memory',
    { redis: { maxMemory: '1Gi', maxMemoryPercentOfLimit: 50 } },
    'redis.maxMemory',
    'only one of maxMemory and maxMemoryPercentOfLimit may be set, for example maxMemory: 1Gi',
  ),
  policy(
    'a parameter with an odd name',
    { redis: { parameters: { 'no such': '1' } } },
    'redis.parameters',
    'names must be of lower-case letters, digits and dashes, for example tcp-keepalive: "300"',
  ),
  ...['dir', 'requirepass', 'maxmemory', 'tls-port', 'cluster-announce-ip', 'aclfile', 'enable-debug-command'].map(
    (name) =>
      policy(
        `the parameter ${name}, which is not for policies`,
        { redis: { parameters: { [name]: '1' } } },
        'redis.parameters',
        'must not hold parameters of security, identity or topology',
      ),
  ),
  policy(
    'a PostgreSQL parameter that gives up durability',
    { postgres: { parameters: { fsync: 'off' } } },
    'postgres.parameters',
    'must hold parameters of the allow-list in docs/reference/api.md alone, for example work_mem: 16MB',
  ),
  policy(
    'an index condition without values',
    { postgres: { indexes: [{ name: 'i', where: [{ column: 'a', operator: 'In' }] }] } },
    'postgres.indexes[0].where[0]',
    'must have as many values as its operator takes, for example operator: In, values: [running, pending]',
  ),
  policy(
    'a pool with an odd name',
    { runtime: { pools: { 'AI-API': 5 } } },
    'runtime.pools',
    'names must be of lower-case letters, digits and underscores, for example ai_api: 5',
  ),
  policy(
    'more connections to one host than in all',
    { runtime: { http: { connections: 10, connectionsPerHost: 30 } } },
    'runtime.http.connectionsPerHost',
    'connectionsPerHost must be at most connections, for example connectionsPerHost: 30, connections: 100',
  ),
  policy(
    'a wait for a connection beyond the whole time-out',
    { runtime: { http: { connectTimeout: '31s', timeout: '30s' } } },
    'runtime.http.connectTimeout',
    'connectTimeout must be at most timeout, for example connectTimeout: 5s, timeout: 30s',
  ),
  policy(
    'a pool whose least is above its most',
    { runtime: { postgresPool: { min: 30, max: 20 } } },
    'runtime.postgresPool.min',
    'min must be at most max, for example min: 5, max: 20',
  ),
  policy(
    'a percentile that is not kept',
    { objectives: { workflowDuration: { percentile: 97 } } },
    'objectives.workflowDuration.percentile',
    'supported values: "50", "90", "95", "99"',
  ),
  policy(
    'a PostgreSQL value beyond ASCII',
    { postgres: { parameters: { work_mem: '16Mü' } } },
    'postgres.parameters[work_mem]',
    'must be printable ASCII, for example work_mem: 16MB',
  ),
];
