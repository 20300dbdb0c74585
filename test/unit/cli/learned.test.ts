import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import type { GenerationServiceStatus } from '../../../operator/api/status.ts';
import { jsonPatch } from '../../../operator/cli/json-patch.ts';
import { learnedOf } from '../../../operator/cli/learned.ts';
import type { LeverMemory } from '../../../operator/levers/run.ts';
import { storedService } from '../../world/builders.ts';

const component = (name: string, overrides: object = {}) => ({
  name,
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
  overrides,
});
const servers = (...names: readonly string[]) => names.map((name) => ({ name, secretRef: { name } }));

interface Row {
  readonly name: string;
  readonly status?: GenerationServiceStatus;
  readonly memory?: LeverMemory;
  readonly policy?: PolicySpec;
  readonly overrides?: PolicySpec;
  /** Components beside `workflow`. */
  readonly more?: readonly string[];
  readonly learned: readonly (readonly [at: string, value: unknown])[];
}
const floor = (value: number): GenerationServiceStatus => ({
  components: [{ name: 'workflow', replicas: { current: 2, min: 2, max: 20, floor: value } }],
});
/** Another HPA aims at a component: the floor that is seen is that one's. */
const conflicting = (value: number, said: string): GenerationServiceStatus => ({
  ...floor(value),
  conditions: [
    {
      type: 'HorizontalApplied',
      status: 'False',
      reason: 'Conflict',
      message: `${said}saw HorizontalPodAutoscaler ai/theirs for Deployment workflow; wanted it to be ours alone`,
      lastTransitionTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
    },
  ],
});
/** A floor of somebody else's HPA that the scaler has moved last to this one. */
const lent = (value: number, movedTo: number): GenerationServiceStatus => {
  const replicas = { current: 2, min: 2, max: 20, floor: value };
  const decision = { action: 'ScaleUp', from: 2, to: movedTo, reason: 'x', message: 'x', time: '2026-01-01T00:00:00Z' };
  return { components: [{ name: 'workflow', replicas, decision }] };
};
const recommended = (recommendation: { readonly cpu?: string; readonly memory?: string }): GenerationServiceStatus => ({
  components: [{ name: 'workflow', recommendation }],
});
const advised = (on: string, state: 'Advised' | 'Valid' = 'Advised'): GenerationServiceStatus => ({
  postgres: [{ name: 'main', indexes: [{ name: 'orders_status', state, on }] }],
});
const inForce = (applied: Readonly<Record<string, string>>, unconfirmed: readonly string[] = []) => ({
  applied,
  unconfirmed,
});

describe('learnedOf()', () => {
  test.each<Row>([
    { name: 'a floor above the declared minimum', status: floor(6), learned: [['components.workflow.overrides.horizontal.minReplicas', 6]] }, // prettier-ignore
    { name: 'no floor that is the declared minimum', status: floor(2), learned: [] },
    { name: 'no floor above what the policy takes', status: floor(6), overrides: { horizontal: { maxReplicas: 5 } }, learned: [] }, // prettier-ignore
    { name: 'no floor of another HPA', status: conflicting(6, ''), learned: [] },
    { name: 'no floor of another HPA, one component of several', status: conflicting(6, 'workflow: '), learned: [] },
    { name: 'a floor beside the HPA of another component', status: conflicting(6, 'other: '), more: ['other'], learned: [['components.workflow.overrides.horizontal.minReplicas', 6]] }, // prettier-ignore
    { name: 'no floor of an HPA that is not ours and that we have not moved', status: floor(6), overrides: { horizontal: { mode: 'FloorOnly' } }, learned: [] }, // prettier-ignore
    { name: 'no floor of an HPA that is not ours and that somebody has set since', status: lent(6, 4), overrides: { horizontal: { mode: 'FloorOnly' } }, learned: [] }, // prettier-ignore
    { name: 'a floor of an HPA that is not ours where we have moved it', status: lent(6, 6), overrides: { horizontal: { mode: 'FloorOnly' } }, learned: [['components.workflow.overrides.horizontal.minReplicas', 6]] }, // prettier-ignore
    {
      name: 'a recommendation, with the limit that it takes',
      status: recommended({ cpu: '1500m', memory: '700Mi' }),
      overrides: { vertical: { mode: 'Enforce' } },
      learned: [
        ['components.workflow.overrides.resources.requests.cpu', '1500m'],
        ['components.workflow.overrides.resources.limits.cpu', '1500m'],
        ['components.workflow.overrides.resources.requests.memory', '700Mi'],
      ],
    },
    {
      name: 'no recommendation that is what is declared, in whatever words',
      status: recommended({ cpu: '0.5', memory: '1024Mi' }),
      overrides: { vertical: { mode: 'Enforce' } },
      learned: [],
    },
    {
      name: 'a limit of Redis that was worked out, where every node has it',
      memory: {
        'redis/cache': { nodes: { a: inForce({ maxmemory: '536870912' }), b: inForce({ maxmemory: '536870912' }) } },
        'redis/more': inForce({ maxmemory: '536870912' }),
      },
      policy: { redis: { maxMemoryPercentOfLimit: 50 } },
      learned: [['overrides.redis.maxMemory', '512Mi']],
    },
    {
      name: 'none where two have different ones: an override is for all',
      memory: { 'redis/cache': inForce({ maxmemory: '536870912' }), 'redis/more': inForce({ maxmemory: '1' }) },
      policy: { redis: { maxMemoryPercentOfLimit: 50 } },
      learned: [],
    },
    {
      name: 'none beside a percentage of the service’s own',
      memory: { 'redis/cache': inForce({ maxmemory: '536870912' }), 'redis/more': inForce({ maxmemory: '536870912' }) },
      overrides: { redis: { maxMemoryPercentOfLimit: 50 } },
      learned: [],
    },
    {
      name: 'no limit that is declared itself',
      memory: { 'redis/cache': inForce({ maxmemory: '1073741824' }), 'redis/more': inForce({ maxmemory: '1073741824' }) },
      learned: [],
    }, // prettier-ignore
    {
      name: 'parameters of PostgreSQL that were worked out, and not those that are declared or only intended',
      memory: { 'postgresql/main': inForce({ work_mem: '8MB', shared_buffers: '1GB', random_page_cost: '1.1' }, ['random_page_cost']) }, // prettier-ignore
      overrides: { postgres: { parameters: { work_mem: '8MB' } } },
      learned: [['overrides.postgres.parameters.shared_buffers', '1GB']],
    },
    {
      name: 'an advised index',
      status: advised('sales.orders (status, created_at)'),
      learned: [
        [
          'overrides.postgres.indexes.-',
          { name: 'orders_status', schema: 'sales', table: 'orders', columns: [{ name: 'status' }, { name: 'created_at' }] }, // prettier-ignore
        ],
      ],
    },
    { name: 'no index that is declared', status: advised('orders (status)', 'Valid'), learned: [] },
    { name: 'no index whose names have to be quoted', status: advised('"Orders" (status)'), learned: [] },
  ])('has $name', ({ status = {}, memory = {}, policy, overrides, more = [], learned }) => {
    const spec = {
      components: ['workflow', ...more].map((name) => component(name)),
      redis: servers('cache', 'more'),
      postgres: servers('main'),
      ...(overrides === undefined ? {} : { overrides }),
    };
    const found = learnedOf({
      service: storedService({ spec, status }),
      policy: policy === undefined ? undefined : { metadata: storedService().metadata, spec: policy },
      memory,
    });
    expect(found.map(({ at, value }) => [at.join('.'), value])).toEqual(learned);
    for (const { why } of found) expect(why).toMatch(/\S/);
  });
});

describe('jsonPatch()', () => {
  const spec: GenerationServiceSpec = {
    mode: 'Enforce',
    deletionPolicy: 'Retain',
    components: [{ name: 'cache', targetRef: component('cache').targetRef }, component('workflow', { scaler: {} })],
  };
  const one = (value: unknown, ...at: readonly string[]) => ({ at, value, why: 'it was seen' });

  test('adds what is missing above a value once, and tests that a component is the one that it was', () => {
    const patch = jsonPatch(spec, [
      one(6, 'components', 'workflow', 'overrides', 'horizontal', 'minReplicas'),
      one(9, 'components', 'workflow', 'overrides', 'horizontal', 'maxReplicas'),
      one('1GB', 'overrides', 'postgres', 'parameters', 'a/b~c'),
      one({ name: 'i' }, 'overrides', 'postgres', 'indexes', '-'),
      one({ name: 'j' }, 'overrides', 'postgres', 'indexes', '-'),
    ]);
    expect(patch).toEqual([
      { op: 'test', path: '/spec/components/1/name', value: 'workflow' },
      { op: 'add', path: '/spec/components/1/overrides/horizontal', value: { minReplicas: 6 } },
      { op: 'add', path: '/spec/components/1/overrides/horizontal/maxReplicas', value: 9 },
      { op: 'add', path: '/spec/overrides', value: { postgres: { parameters: { 'a/b~c': '1GB' } } } },
      { op: 'add', path: '/spec/overrides/postgres/indexes', value: [{ name: 'i' }] },
      { op: 'add', path: '/spec/overrides/postgres/indexes/-', value: { name: 'j' } },
    ]);
  });

  test('leaves the spec as it is', () => {
    const before = structuredClone(spec);
    jsonPatch(spec, [one(6, 'components', 'workflow', 'overrides', 'horizontal', 'minReplicas')]);
    expect(spec).toEqual(before);
  });
});
