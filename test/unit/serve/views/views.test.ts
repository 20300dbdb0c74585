import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { FloorLook } from '../../../../operator/decide/floor-look.ts';
import { openapi } from '../../../../operator/serve/openapi.ts';
import { cacheStatus } from '../../../../operator/serve/views/cache-status.ts';
import { databaseStatus } from '../../../../operator/serve/views/database-status.ts';
import type { ViewInput } from '../../../../operator/serve/views/figures.ts';
import { fleet } from '../../../../operator/serve/views/fleet.ts';
import { history } from '../../../../operator/serve/views/history.ts';
import { load } from '../../../../operator/serve/views/load.ts';
import { monitoringMetrics } from '../../../../operator/serve/views/monitoring-metrics.ts';
import { performanceStatus } from '../../../../operator/serve/views/performance-status.ts';
import { resources } from '../../../../operator/serve/views/resources.ts';
import { measured, now, rows, service, status, told, unknown } from './view-input.ts';

const whole = { podsReady: 2, podsAnswered: 2, requestRatePartial: 0 };
const looked = [
  { ...whole, requestRate: 30, cpuPercent: 40 },
  { ...whole, requestRate: 50 },
];
const trend = { windowMs: 300_000, rows: [rows(looked)] };

/** Every figure of an object, by its path. */
function leaves(value: unknown, path = ''): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
}

describe('what is not known is null, never 0 and never left out', () => {
  test.each<{ name: string; view: (input: ViewInput) => object; zeros?: readonly string[] }>([
    { name: 'resources', view: resources, zeros: ['.components.0.total.podsMeasured', '.total.podsMeasured'] },
    { name: 'load', view: load },
    { name: 'monitoring metrics', view: monitoringMetrics },
    { name: 'cache status', view: cacheStatus },
    { name: 'database status', view: databaseStatus },
    {
      name: 'performance status',
      view: (input) => performanceStatus({ ...input, trend: { windowMs: 300_000, rows: [rows([])] } }),
      zeros: ['.rating.scoredOf', '.trend.count', '.trend.rating.scoredOf'],
    },
  ])('$name', ({ view, zeros = [] }) => {
    const [nothing, all] = [leaves(view(unknown)), leaves(view(told))];
    expect(nothing.filter(([, value]) => value === 0).map(([path]) => path)).toEqual(zeros);
    const names = new Set(nothing.map(([path]) => path));
    const unnamed = all.filter(([path, value]) => typeof value === 'number' && !/\.\d+/.test(path) && !names.has(path));
    expect(unnamed).toEqual([]);
  });
});

const lastMove: FloorLook = {
  action: 'ScaleUp',
  from: 2,
  to: 4,
  reason: 'LoadHigh',
  message: 'requests_per_second is 250 a Pod',
  figures: [
    {
      metric: 'requests_per_second',
      source: 'Prometheus',
      perPod: 250,
      target: 100,
      asksFor: 5,
      podsMeasured: 2,
      podsMissing: 1,
      observedAt: now - 4_000,
    },
  ],
  terms: [{ name: 'arrivals', value: 2, unit: 'requests/s', means: 'of all Pods', observedAt: now - 31_000 }],
  heldBy: 'ScaleUpRate',
  heldUntil: now + 30_000,
  at: now - 30_000,
  nextAt: now + 30_000,
};
const newest = {
  ...lastMove,
  action: 'Hold',
  figures: [],
  terms: [],
  heldBy: undefined,
  at: now,
  nextAt: undefined,
} as const;
const looks: ViewInput['looks'] = new Map([['workflow', { newest, lastMove }]]);

describe('performanceStatus()', () => {
  const answer = performanceStatus({ ...told, trend });
  test('grades what is known: 15 for cpu of 60 %, 25 for 512 MB, 5 for a p95 of 0.5 s itself and 25 for a hit ratio of 0.9', () => {
    expect(answer.rating).toEqual({
      grade: 'Good',
      score: 70,
      scoredOf: 100,
      parts: { cpu: 15, memory: 25, responseTime: 5, cacheHitRatio: 25 },
    });
  });
  test('takes means over the snapshots of the window, and leaves gaps out', () => {
    expect(answer.trend).toMatchObject({
      windowSeconds: 300,
      count: 2,
      averages: { requestRate: 40, cpuPercent: 40, memoryMb: null, cacheHitRatio: 0.9 },
    });
  });
  test('says of an objective what status has settled, with the figure of this moment', () => {
    expect(answer.objectives.find(({ name }) => name === 'Memory')).toEqual({
      name: 'Memory',
      component: 'workflow',
      source: null,
      state: 'NotMet',
      target: '2048Mi',
      percentile: null,
      measured: '512Mi',
      since: '2026-11-25T11:30:00Z',
      attainment: '0.98',
      observedAt: '2026-11-25T11:59:56Z',
      burnRates: { '5m': null, '30m': null, '1h': null, '6h': null, '3d': null },
      burning: null,
    });
    expect(answer.objectives.find(({ name }) => name === 'CacheHitRatio')?.source).toBe('Redis');
    expect(answer.objectives.find(({ name }) => name === 'WorkflowDuration')?.percentile).toBe(95);
    expect(answer.objectivesMet).toBe('4/6');
  });
  test('has attainment and burn as they were counted until this moment', () => {
    const standing = { attainment: () => 0.9876, burnRates: () => ({ '5m': 100, '1h': 14.4, '3d': 0.5 }) };
    const { objectives } = performanceStatus({ ...told, standing, trend });
    expect(objectives.find(({ name }) => name === 'Memory')).toMatchObject({
      attainment: '0.987',
      burnRates: { '5m': 100, '30m': null, '1h': 14.4, '6h': null, '3d': 0.5 },
      burning: '1h',
    });
  });
  test('has mode, readiness and the last decisions', () => {
    expect(answer).toMatchObject({
      mode: 'DryRun',
      ready: { status: 'False', reason: 'Unreachable', message: 'it says no' },
      decisions: [
        { component: 'workflow', action: 'ScaleUp', from: 2, to: 4, reason: 'Load', inputs: null, heldBy: null },
      ],
      newestDecisions: [],
    });
  });
  test('has of each decision what it was made from, what held it, and when the next may come', () => {
    expect(performanceStatus({ ...told, looks, trend })).toMatchObject({
      decisions: [
        {
          action: 'ScaleUp',
          reason: 'LoadHigh', // of this process, not of status
          time: '2026-11-25T11:59:30Z',
          heldBy: 'ScaleUpRate',
          nextEligibleTime: '2026-11-25T12:00:30Z',
          inputs: [
            {
              metric: 'requests_per_second',
              source: 'Prometheus',
              perPod: 250,
              target: 100,
              asksFor: 5,
              podsMeasured: 2,
              podsMissing: 1,
              observedAt: '2026-11-25T11:59:56Z',
            },
          ],
          terms: [
            {
              name: 'arrivals',
              value: 2,
              unit: 'requests/s',
              means: 'of all Pods',
              observedAt: '2026-11-25T11:59:29Z',
            },
          ],
        },
      ],
      newestDecisions: [
        { component: 'workflow', action: 'Hold', inputs: [], terms: [], heldBy: null, nextEligibleTime: null },
      ],
    });
    const unmoved = new Map([['workflow', { newest, lastMove: undefined }]]);
    expect(performanceStatus({ ...told, looks: unmoved, trend }).decisions).toMatchObject([
      { reason: 'Load', inputs: null, terms: null }, // what status has kept over a restart
    ]);
  });
});

test('performanceStatus() has the weights in force of each nginx, and null for what is not measured', () => {
  const pods = [{ server: '10.0.0.1:80', pod: 'a', weight: 3, why: 'Label' }];
  const weights = [{ nginx: 'nginx-0', component: 'workflow', weights: { mode: 'Static', pods } }];
  expect(performanceStatus({ ...told, weights, trend }).weights).toEqual([
    {
      nginx: 'nginx-0',
      component: 'workflow',
      mode: 'Static',
      busyPercent: null,
      effectPercent: null,
      pods: [{ ...pods[0], target: null, serviceMs: null, errorPercent: null, requests: null }],
    },
  ]);
  expect(performanceStatus({ ...told, trend }).weights).toEqual([]);
});

test('resources() adds up the Pods that said something, and says how many these are', () => {
  expect(resources(measured)).toMatchObject({
    components: [
      {
        rollingOut: null,
        pods: [
          { name: 'a', state: 'Ready', ready: true, cpuPercent: 50, memoryMb: 512, activeConnections: 3 },
          { name: 'b', cpuCores: 0.5, cpuPercent: null, memoryMb: 256, activeConnections: null },
          { name: 'c', state: 'Terminating', ready: false, cpuCores: null, observedAt: null },
        ],
      },
    ],
    total: { pods: 3, podsMeasured: 2, cpuCores: 1.5, memoryMb: 768, activeConnections: 3 },
  });
});

test('resources() tells old Pods of a roll-out from new ones', () => {
  const [one] = measured.components;
  const pods = [
    { name: 'a', state: 'Ready', revision: 'old' },
    { name: 'b', state: 'Starting', revision: 'new' },
  ] as const;
  const rolled = {
    ...measured,
    components: [{ ...one, name: 'workflow', figures: undefined, pods, isRollingOut: true }],
  };
  expect(resources(rolled)).toMatchObject({
    components: [{ rollingOut: true, pods: [{ revision: 'old' }, { revision: 'new' }] }],
  });
});

describe('load()', () => {
  test('has percentiles of the histogram; beyond its last bucket a lower bound, and says so', () => {
    expect(load(told).components).toEqual([
      {
        name: 'workflow',
        source: 'Pods',
        requestRate: 40,
        requestRatePerPod: 20,
        inFlight: 7,
        queue: 0,
        p50: 0.1,
        p95: 0.5,
        p99: 0.5,
        atLeast: ['p99'],
        errorRate: 0.02,
        observedAt: '2026-11-25T11:59:56Z',
      },
    ]);
  });
  test('adds components up; Pods of different work have no mean', () => {
    const [one] = measured.components;
    const two = { ...measured, components: [one, { ...one, name: 'cache' }] as ViewInput['components'] };
    expect(load(two).total).toMatchObject({ requestRate: 80, requestRatePerPod: null, inFlight: 14, p50: 0.1 });
  });
});

test('monitoringMetrics() has the names of the guide, in its units', () => {
  expect(monitoringMetrics(measured)).toEqual({
    metrics: {
      workflow_execution_time: 0.5,
      memory_usage_mb: 512,
      success_rate: 0.98,
      cpu_percent: 60,
      request_rate: 40,
      response_time_p95: 0.5,
      cache_hit_ratio: 0.9,
      error_rate: 0.02,
      active_connections: 3,
    },
    timestamp: '2026-11-25T12:00:00Z',
  });
});

describe('history()', () => {
  test('puts components side by side that were measured at moments of their own', () => {
    const all = { requestRatePartial: 0, inFlightPartial: 0, queuePartial: 0 };
    const workflow = rows([
      { ...all, requestRate: 1, podsReady: 2, podsAnswered: 2, cacheHitRate: 3, cacheMissRate: 1 },
      { ...all, requestRate: 2, podsReady: 2, podsAnswered: 1, workflowDurationP95: 4 },
      { requestRate: 3, podsReady: 3, podsAnswered: 3, requestRatePartial: 0, inFlightPartial: 1, queuePartial: 2 },
    ]);
    const cache = rows([{ ...all, requestRate: 10, podsReady: 1, podsAnswered: 1 }, { requestRate: 20 }], -3_000);
    const answer = history({
      service: service(),
      components: [
        { rows: workflow, bounds: [{ at: now - 15_000, floor: 2, max: 9 }] },
        { rows: cache, bounds: [{ at: 0, floor: 1, max: 3 }] },
      ],
      changes: [],
      now,
    });
    expect(answer.times).toEqual([now - 20_000, now - 10_000, now]);
    expect(answer.series).toMatchObject({
      requestRate: [1, 12, 23],
      replicas: [2, 3, 3],
      requestRatePods: [2, 2, 3],
      inFlightPods: [2, 2, 2],
      queuePods: [2, 2, 1],
      cacheHitRatio: [0.75, null, null],
      workflowDurationP95: [null, 4, null],
      memoryMb: [null, null, null],
      floor: [1, 3, 3],
      max: [3, 12, 12],
    });
  });
});

test('fleet() has a line for each service, and what clamps it', () => {
  const [other, mine] = [
    service({ metadata: { ...service().metadata, name: 'zzz' } }),
    service({ status: { ...status, mode: 'Enforce', rating: { ...status?.rating, summary: 'Good 2/4' } } }),
  ];
  expect(
    fleet([other, mine], { replicasOf: ({ status: said }) => (said === undefined ? null : 2), now }).services,
  ).toEqual([
    expect.objectContaining({
      namespace: 'ai',
      name: 'generation',
      mode: 'Enforce',
      ready: 'False',
      reason: 'Unreachable',
      objectivesMet: '4/6',
      grade: 'Good',
      gradeSummary: 'Good 2/4',
      replicas: 2,
      clamped: ['workflow: budget'],
      ageSeconds: 3_600,
    }),
    expect.objectContaining({
      name: 'zzz',
      ready: 'Unknown',
      reason: null,
      metrics: null,
      gradeSummary: null,
      replicas: null,
      clamped: [],
    }),
  ]);
});

describe('the published schema', () => {
  const ajv = new Ajv2020({ allowUnionTypes: true, formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ } });
  ajv.addVocabulary(['paths', 'info', 'openapi', 'security', 'components']);
  const check = (name: keyof typeof openapi.components.schemas, answer: object) => {
    const validate = ajv.compile(openapi.components.schemas[name] ?? {});
    // As it goes over the wire.
    return validate(JSON.parse(JSON.stringify(answer))) ? [] : validate.errors;
  };
  const views: readonly [string, (input: ViewInput) => object][] = [
    ['PerformanceStatus', (input) => performanceStatus({ ...input, trend })],
    ['Resources', resources],
    ['Load', load],
    ['MonitoringMetrics', monitoringMetrics],
    ['CacheStatus', cacheStatus],
    ['DatabaseStatus', databaseStatus],
    ['Fleet', ({ service: one }) => fleet([one], { replicasOf: () => null, now })],
    [
      'History',
      ({ service: one }) =>
        history({
          service: one,
          components: [{ rows: trend.rows[0] ?? rows([]), bounds: [] }],
          changes: [{ at: now, kind: 'decision', component: 'workflow', text: 'x' }],
          now,
        }),
    ],
  ];
  test.each(views)('%s is what its view answers, known or unknown', (name, view) => {
    expect([unknown, measured, told, { ...told, looks }].map((input) => check(name, view(input)))).toEqual([
      [],
      [],
      [],
      [],
    ]);
  });
  test('refuses a figure that is left out', () => {
    const {
      timestamp,
      metrics: { error_rate: _, ...metrics },
    } = monitoringMetrics(measured);
    expect(check('MonitoringMetrics', { timestamp, metrics })).not.toEqual([]);
  });
});
