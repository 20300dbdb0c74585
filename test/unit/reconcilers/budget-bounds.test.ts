import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import { resolve, type Resolved } from '../../../operator/decide/resolve.ts';
import {
  boundsIn,
  cappedForScaler,
  withBounds,
  type Bounds,
  type KnownBounds,
} from '../../../operator/reconcilers/budget-bounds.ts';
import { storedService } from '../../world/builders.ts';

const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const serviceOf = (spec: Partial<GenerationServiceSpec> = {}) =>
  storedService({
    spec: {
      components: [{ name: 'workflow', targetRef }],
      postgres: [{ name: 'main', secretRef: { name: 'pg' } }],
      overrides: { horizontal: { maxReplicas: 4 }, runtime: { postgresPool: { min: 1, max: 10 } } },
      ...spec,
    },
  });

describe('withBounds()', () => {
  const bounded = (spec: Partial<GenerationServiceSpec>, known?: ReadonlyMap<string, number>, hasQuota = false) => {
    const bounds: KnownBounds | undefined = known && {
      connections: [{ pools: known, replicas: new Map() }],
      quota: [],
    };
    const found = { kind: 'found', replicas: 2, selector: [] } as const;
    const targets = new Map([['workflow', found]]);
    const resolution = resolve({ service: serviceOf(spec), policy: undefined, targets, podsMetrics: 'Shadow' });
    if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
    return withBounds(resolution.resolved, bounds, { hasQuota });
  };
  test.each([
    { name: 'leaves pools as they are while nothing is known', spec: {}, known: undefined, is: 'AsItIs' },
    { name: 'passes on what is known', spec: {}, known: new Map([['workflow', 5]]), is: new Map([['workflow', 5]]) },
    { name: 'bounds nothing without a PostgreSQL', spec: { postgres: [] }, known: undefined, is: undefined },
    {
      name: 'bounds nothing where the policy only reports',
      spec: { overrides: { runtime: {}, budgets: { onViolation: 'Report' as const } } },
      known: undefined,
      is: undefined,
    },
    { name: 'bounds nothing that nobody writes', spec: { overrides: {} }, known: undefined, is: undefined },
  ])('$name', ({ spec, known, is }) => expect(bounded(spec, known).poolBounds).toEqual(is));

  test.each([
    { name: 'with a PostgreSQL and pools of ours', spec: {}, hasQuota: false, is: 'AsItIs' },
    { name: 'without one and without a quota not', spec: { postgres: [] }, hasQuota: false, is: undefined },
    { name: 'with a quota', spec: { postgres: [] }, hasQuota: true, is: 'AsItIs' },
    {
      name: 'where the policy only reports not',
      spec: { postgres: [], overrides: { budgets: { onViolation: 'Report' as const } } },
      hasQuota: true,
      is: undefined,
    },
  ])('bounds replicas $name', ({ spec, hasQuota, is }) =>
    expect(bounded(spec, undefined, hasQuota).replicaBounds).toEqual(is),
  );
});

test('of several bounds the least counts, with whose it is', () => {
  const of = (by: string, max: number, pool: number): Bounds => ({
    pools: new Map([['workflow', pool]]),
    replicas: new Map([['workflow', { max, by }]]),
  });
  const connections = [of('postgres/a', 8, 5), of('postgres/c', 6, 7)];
  const least = boundsIn({ connections, quota: [of('quota/b', 4, 9)] });
  expect([...(least?.pools ?? [])]).toEqual([['workflow', 5]]);
  expect([...(least?.replicas ?? [])]).toEqual([['workflow', { max: 4, by: 'quota/b' }]]);
  expect(boundsIn({ connections, quota: undefined })).toBeUndefined();
});

describe('cappedForScaler()', () => {
  const most = (replicaBounds: Resolved['replicaBounds'], overrides: GenerationServiceSpec['overrides'] = {}) => {
    const found = { kind: 'found', replicas: 5, selector: [] } as const;
    const resolution = resolve({
      service: serviceOf({ overrides }),
      policy: undefined,
      targets: new Map([['workflow', found]]),
      podsMetrics: 'Shadow',
    });
    if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
    const { components } = cappedForScaler({ ...resolution.resolved, ...(replicaBounds && { replicaBounds }) });
    return components[0]?.policy.horizontal.maxReplicas;
  };
  const bound = (max: number): Resolved['replicaBounds'] => new Map([['workflow', { max, by: 'postgres/main' }]]);
  const direct = { horizontal: { mode: 'Off' }, scaler: { algorithm: 'Score' } } as const;

  test.each([
    { name: 'as declared where nothing bounds them', is: 20 },
    { name: 'as the budget leaves', given: bound(8), is: 8 },
    { name: 'never fewer than minReplicas', given: bound(1), is: 2 },
    { name: 'as declared while nothing is known: the HPA stays as it is', given: 'AsItIs' as const, is: 20 },
    { name: 'as they are while nothing is known, without an HPA', given: 'AsItIs' as const, overrides: direct, is: 5 },
    { name: 'as the budget leaves, without an HPA', given: bound(8), overrides: direct, is: 8 },
  ])('$name', ({ given, overrides, is }) => expect(most(given, overrides)).toBe(is));
});
