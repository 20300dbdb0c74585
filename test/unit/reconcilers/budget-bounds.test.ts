import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import { resolve, type Resolved } from '../../../operator/decide/resolve.ts';
import {
  cappedForScaler,
  leftBy,
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

function resolvedOf(spec: Partial<GenerationServiceSpec>, replicas = 2): Resolved {
  const found = { kind: 'found', replicas, selector: [] } as const;
  const targets = new Map([['workflow', found]]);
  const resolution = resolve({ service: serviceOf(spec), policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}

describe('withBounds()', () => {
  const five = new Map([['workflow', 5]]);
  const nothing = { atMost: new Map(), isWhole: false };
  const bounded = (spec: Partial<GenerationServiceSpec>, known?: ReadonlyMap<string, number>, hasQuota = false) => {
    const bounds: KnownBounds | undefined = known && {
      connections: new Map([['main', { pools: known, replicas: new Map() }]]),
      quota: [],
    };
    return withBounds(resolvedOf(spec), bounds, { hasQuota });
  };
  test.each([
    { name: 'leaves pools as they are while nothing is known', spec: {}, known: undefined, is: nothing },
    { name: 'passes on what is known', spec: {}, known: five, is: { atMost: five, isWhole: true } },
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
    { name: 'with a PostgreSQL and pools of ours', spec: {}, hasQuota: false, is: nothing },
    { name: 'without one and without a quota not', spec: { postgres: [] }, hasQuota: false, is: undefined },
    { name: 'with a quota', spec: { postgres: [] }, hasQuota: true, is: nothing },
    {
      name: 'where the policy only reports not',
      spec: { postgres: [], overrides: { budgets: { onViolation: 'Report' as const } } },
      hasQuota: true,
      is: undefined,
    },
  ])('bounds replicas $name', ({ spec, hasQuota, is }) =>
    expect(bounded(spec, undefined, hasQuota).replicaBounds).toEqual(is),
  );

  test('asks no PostgreSQL where no pools are ours', () => {
    const silent = new Map([['main', undefined]]);
    const quota = [{ pools: new Map(), replicas: new Map([['workflow', { max: 3, by: 'quota' }]]) }];
    const of = (overrides: NonNullable<GenerationServiceSpec['overrides']>) =>
      withBounds(resolvedOf({ overrides }), { connections: silent, quota }, { hasQuota: true }).replicaBounds;
    expect(of({})).toMatchObject({ isWhole: true });
    expect(of({ runtime: { postgresPool: { min: 1, max: 10 } } })).toEqual({
      atMost: quota[0]?.replicas,
      isWhole: false,
    });
  });
});

describe('leftBy()', () => {
  const of = (by: string, max: number, pool: number): Bounds => ({
    pools: new Map([['workflow', pool]]),
    replicas: new Map([['workflow', { max, by }]]),
  });
  const [a, c] = [of('postgres/a', 8, 5), of('postgres/c', 6, 7)];
  const quota = [of('quota/b', 4, 9)];
  test.each<{ name: string; known: KnownBounds; pool?: number; by?: string; isWhole: boolean }>([
    {
      name: 'of several the least, with whose it is',
      known: known({ a, c }, quota),
      pool: 5,
      by: 'quota/b',
      isWhole: true,
    },
    {
      name: 'what is known of servers while a quota is not',
      known: known({ a, c }, undefined),
      pool: 5,
      by: 'postgres/c',
      isWhole: false,
    },
    {
      name: 'what a quota leaves while a server is silent',
      known: known({ a: undefined }, quota),
      pool: 9,
      by: 'quota/b',
      isWhole: false,
    },
    {
      name: 'what one server leaves while another is silent',
      known: known({ a: undefined, c }, []),
      pool: 7,
      by: 'postgres/c',
      isWhole: false,
    },
    { name: 'all there is where nothing is to be asked', known: known({}, []), isWhole: true },
  ])('$name', ({ known: given, pool, by, isWhole }) => {
    const { atMost, isWhole: is } = leftBy(given);
    expect([atMost.pools.get('workflow'), atMost.replicas.get('workflow')?.by, is]).toEqual([pool, by, isWhole]);
  });

  function known(servers: Readonly<Record<string, Bounds | undefined>>, left: KnownBounds['quota']): KnownBounds {
    return { connections: new Map(Object.entries(servers)), quota: left };
  }
});

describe('cappedForScaler()', () => {
  const most = (
    replicaBounds: Resolved['replicaBounds'],
    overrides: NonNullable<GenerationServiceSpec['overrides']> = {},
  ) => {
    const { components } = cappedForScaler({
      ...resolvedOf({ overrides }, 5),
      ...(replicaBounds && { replicaBounds }),
    });
    return components[0]?.policy.horizontal.maxReplicas;
  };
  const bound = (max: number, isWhole = true): Resolved['replicaBounds'] => ({
    atMost: new Map([['workflow', { max, by: 'postgres/main' }]]),
    isWhole,
  });
  const unknown = { atMost: new Map(), isWhole: false };
  const direct = { horizontal: { mode: 'Off' }, scaler: { algorithm: 'Score' } } as const;

  test.each([
    { name: 'as declared where nothing bounds them', is: 20 },
    { name: 'as the budget leaves', given: bound(8), is: 8 },
    { name: 'never fewer than minReplicas', given: bound(1), is: 2 },
    { name: 'as declared while nothing is known: the HPA stays as it is', given: unknown, is: 20 },
    { name: 'as they are while nothing is known, without an HPA', given: unknown, overrides: direct, is: 5 },
    {
      name: 'no more than they are while not all is known, without an HPA',
      given: bound(8, false),
      overrides: direct,
      is: 5,
    },
    { name: 'what is known to be left, though not all is', given: bound(4, false), is: 4 },
    { name: 'that too without an HPA', given: bound(4, false), overrides: direct, is: 4 },
    { name: 'as the budget leaves, without an HPA', given: bound(8), overrides: direct, is: 8 },
  ])('$name', ({ given, overrides, is }) => expect(most(given, overrides)).toBe(is));
});
