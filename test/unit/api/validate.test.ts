import { describe, expect, test } from '@jest/globals';
import { validate } from '../../../operator/api/validate.ts';

const policy = (spec: unknown): unknown => ({
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'PerformancePolicy',
  metadata: { name: 'standard' },
  spec,
});
const workflow = { name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow' } };
const service = (spec: object): unknown => ({
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'GenerationService',
  metadata: { name: 'generation' },
  spec: { components: [workflow], ...spec },
});

describe('validate() names the field, what it saw, what was wanted, and an example', () => {
  test.each([
    {
      name: 'a duration in words',
      object: policy({ collector: { interval: '5 minutes' } }),
      problem: {
        field: 'spec.collector.interval',
        saw: '5 minutes',
        wanted: 'must be a duration from 1s to 5m',
        example: '30s',
      },
    },
    {
      name: 'a duration out of bounds',
      object: policy({ collector: { interval: '5m1ms' } }),
      problem: { field: 'spec.collector.interval', saw: '5m1ms', wanted: 'must be a duration from 1s to 5m' },
    },
    {
      name: 'a quantity as Redis writes it',
      object: policy({ redis: { maxMemory: '1gb' } }),
      problem: { field: 'spec.redis.maxMemory', saw: '1gb', wanted: 'must be a quantity' },
    },
    {
      name: 'a fraction where Kubernetes takes none',
      object: policy({ resources: { requests: { cpu: 0.5 } } }),
      problem: { field: 'spec.resources.requests.cpu', saw: '0.5', wanted: 'a string or a whole number' },
    },
    {
      name: 'two fields in the wrong order',
      object: policy({ horizontal: { minReplicas: 5, maxReplicas: 3 } }),
      problem: {
        field: 'spec.horizontal.minReplicas',
        saw: 'minReplicas: 5, maxReplicas: 3',
        wanted: 'minReplicas must be at most maxReplicas',
        example: 'minReplicas: 2, maxReplicas: 20',
      },
    },
    {
      name: 'an unknown field',
      object: policy({ horizontal: { replicas: 3 } }),
      problem: {
        field: 'spec.horizontal.replicas',
        saw: 'an unknown field',
        wanted: expect.stringContaining('minReplicas'),
      },
    },
    {
      name: 'an unknown word',
      object: policy({ scaler: { algorithm: 'Magic' } }),
      problem: { field: 'spec.scaler.algorithm', saw: '"Magic"', wanted: 'one of Score, Lookahead', example: 'Score' },
    },
    {
      name: 'a bare Off, which YAML reads as false',
      object: policy({ redis: { mode: false } }),
      problem: { field: 'spec.redis.mode', saw: 'false', wanted: expect.stringContaining('quote "Off"') },
    },
    {
      name: 'a number above its maximum',
      object: policy({ horizontal: { maxReplicas: 1001 } }),
      problem: { field: 'spec.horizontal.maxReplicas', saw: '1001', wanted: 'must be <= 1000', example: '20' },
    },
    {
      name: 'a number in quotes',
      object: policy({ horizontal: { minReplicas: '2' } }),
      problem: { field: 'spec.horizontal.minReplicas', saw: '"2"', wanted: 'must be integer', example: '2' },
    },
    {
      name: 'a service without a component',
      object: service({ components: [] }),
      problem: {
        field: 'spec.components',
        saw: '[]',
        wanted: 'must have at least one component',
        example: expect.stringMatching(/^\[\{name: workflow, targetRef: \{apiVersion: apps\/v1, kind: Deployment/),
      },
    },
    {
      name: 'an eviction policy without its keys',
      object: policy({ redis: { evictionPolicy: 'lru' } }),
      problem: {
        field: 'spec.redis.evictionPolicy',
        saw: 'lru',
        wanted: 'must be noeviction, or begin with allkeys- or volatile-',
        example: 'allkeys-lru',
      },
    },
    {
      name: 'a value that is not in the unit of its metric',
      object: policy({ optimizer: { rules: [{ name: 'slow', when: { metric: 'responseTimeP95', value: '2' } }] } }),
      problem: {
        field: 'spec.optimizer.rules[0].when.metric',
        saw: 'metric: responseTimeP95, value: 2',
        wanted: 'must compare a known metric with a value in its unit',
      },
    },
    {
      name: 'a target of nothing, by which no number of replicas is enough',
      object: policy({
        horizontal: {
          metrics: [
            {
              type: 'Pods',
              pods: { metric: { name: 'requests_per_second' }, target: { type: 'AverageValue', averageValue: '0m' } },
            },
          ],
        },
      }),
      problem: {
        field: 'spec.horizontal.metrics[0].pods.target.averageValue',
        saw: '0m',
        wanted: 'must be more than 0',
      },
    },
    {
      name: 'a selector on what is measured of each Pod as a whole',
      object: policy({
        horizontal: {
          metrics: [
            {
              type: 'Pods',
              pods: {
                metric: { name: 'requests_per_second', selector: { matchLabels: { route: 'chat' } } },
                target: { type: 'AverageValue', averageValue: '100' },
              },
            },
          ],
        },
      }),
      problem: {
        field: 'spec.horizontal.metrics[0].pods.metric',
        wanted:
          'must have no selector where its name is requests_per_second, which genops measures of each pod as a whole',
      },
    },
    {
      name: 'a Redis parameter that opens a door, by its name and without its value',
      object: policy({ redis: { parameters: { requirepass: 'hunter2', 'tcp-keepalive': '300' } } }),
      problem: {
        field: 'spec.redis.parameters',
        saw: 'requirepass',
        wanted: expect.stringContaining('must not hold parameters of security'),
      },
    },
    {
      name: 'a Redis parameter whose value cannot be set, without it',
      object: policy({ redis: { parameters: { save: 'hunt"er2' } } }),
      problem: { field: 'spec.redis.parameters.save', saw: 'a value that is not shown' },
    },
    {
      name: 'a Redis parameter whose value is no string, without it',
      object: policy({ redis: { parameters: { 'tcp-keepalive': 300 } } }),
      problem: {
        field: 'spec.redis.parameters.tcp-keepalive',
        saw: 'a value that is not shown',
        wanted: 'must be string',
      },
    },
    {
      name: 'more parameters than there may be, by their names',
      object: policy({
        redis: { parameters: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`a${index}`, 'hunter2'])) },
      }),
      problem: { field: 'spec.redis.parameters', saw: expect.stringMatching(/^a0, a1, [^"]* a64$/) },
    },
    ...[{ port: 99_999 }, { port: 0 }, { port: 'Metrics!' }].map(({ port }) => ({
      name: `a port ${port}`,
      object: service({ components: [{ ...workflow, metrics: [{ type: 'Pods', pods: { port } }] }] }),
      problem: {
        field: 'spec.components[0].metrics[0].pods.port',
        saw: String(port),
        wanted: 'must be a port from 1 to 65535 or its name',
      },
    })),
    ...[
      '99 2 * * *',
      '0 24 * * *',
      '0 2 0 * *',
      '0 2 * 13 *',
      '0 2 * * 8',
      '0 2 * * fri-mon',
      '0/0 2 * * *',
      '1,60 2 * * *',
    ].map((schedule) => ({
      name: `a schedule that is never: ${schedule}`,
      object: policy({ maintenanceWindows: [{ name: 'night', schedule }] }),
      problem: {
        field: 'spec.maintenanceWindows[0].schedule',
        saw: schedule,
        wanted: expect.stringContaining('minute 0-59, hour 0-23'),
      },
    })),
    {
      name: 'a time zone that is nowhere',
      object: policy({ maintenanceWindows: [{ name: 'night', timeZone: 'Mars/Phobos' }] }),
      problem: {
        field: 'spec.maintenanceWindows[0].timeZone',
        saw: 'Mars/Phobos',
        wanted: 'must be an IANA time zone',
      },
    },
    {
      name: 'a missing field',
      object: service({ redis: [{ name: 'cache' }] }),
      problem: { field: 'spec.redis[0].secretRef', saw: 'nothing', wanted: expect.stringContaining('Secret with uri') },
    },
    {
      name: 'a name that stands twice',
      object: service({ components: [workflow, workflow] }),
      problem: { field: 'spec.components', wanted: 'each name or value once' },
    },
    {
      name: 'another kind',
      object: { apiVersion: 'v1', kind: 'ConfigMap' },
      problem: {
        field: 'kind',
        saw: 'v1 ConfigMap',
        example: 'apiVersion: genops.dev/v1alpha1, kind: PerformancePolicy',
      },
    },
    { name: 'nothing at all', object: null, problem: { field: 'kind' } },
  ])('$name', ({ object, problem }) => {
    expect(validate(object)).toMatchObject({ kind: 'invalid', problems: [problem] });
  });
});

test.each(['noeviction', 'allkeys-lfu', 'volatile-ttl', 'allkeys-lrm'])(
  'an eviction policy that this version does not know yet is left to the server: %s',
  (evictionPolicy) => {
    expect(validate(policy({ redis: { evictionPolicy } }))).toMatchObject({ kind: 'valid' });
  },
);

test.each([
  { schedule: '0 2 * * 1-5', timeZone: 'Asia/Seoul' },
  { schedule: '*/15 0-23/2 1,15 JAN-mar Mon-fri', timeZone: 'Etc/GMT+9' },
  { schedule: '59 23 31 12 7', timeZone: 'UTC' },
])('a window may open at $schedule in $timeZone', (window) => {
  expect(validate(policy({ maintenanceWindows: [{ name: 'night', duration: '2h', ...window }] }))).toMatchObject({
    kind: 'valid',
  });
});

test('all problems of a file are found at once', () => {
  const found = validate(policy({ horizontal: { minReplicas: 5, maxReplicas: 3 }, redis: { maxMemory: 'much' } }));
  expect(found).toMatchObject({
    problems: [{ field: 'spec.horizontal.minReplicas' }, { field: 'spec.redis.maxMemory' }],
  });
});

test('what cannot be read is reported once, not also as being in the wrong order', () => {
  const found = validate(policy({ collector: { interval: 'often', timeout: '2s' } }));
  expect(found).toMatchObject({ problems: [{ field: 'spec.collector.interval' }] });
});

test('the defaults of the API server are filled in, and the file is left alone', () => {
  const file = service({});
  const before = structuredClone(file);
  expect(validate(file)).toMatchObject({
    kind: 'valid',
    object: { spec: { mode: 'Enforce', deletionPolicy: 'Retain' } },
  });
  expect(file).toEqual(before);
});
