import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { PodsAsked } from '../../../operator/decide/quota-budget.ts';
import { resolve, type TargetSeen } from '../../../operator/decide/resolve.ts';
import { connectionsOf } from '../../../operator/levers/postgresql/connections.ts';
import type { Observation } from '../../../operator/levers/run.ts';
import type { KnownBounds } from '../../../operator/reconcilers/budget-bounds.ts';
import { judgeBudgets } from '../../../operator/reconcilers/budgets.ts';
import { createConnectionUses } from '../../../operator/reconcilers/connection-uses.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import { storedService } from '../../world/builders.ts';
import { seen, type Seen } from '../levers/postgresql/observations.ts';

const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const serviceOf = (spec: Partial<GenerationServiceSpec> = {}) =>
  storedService({
    spec: {
      components: [{ name: 'workflow', targetRef }],
      postgres: [{ name: 'main', secretRef: { name: 'pg' } }],
      overrides: { horizontal: { maxReplicas: 3 }, runtime: { postgresPool: { min: 1, max: 10 } } },
      ...spec,
    },
  });

interface Given {
  readonly spec?: Partial<GenerationServiceSpec>;
  readonly target?: Partial<TargetSeen>;
  readonly server?: Seen | 'Silent' | 'Off';
  /** maxReplicas of an HPA that somebody else has made. */
  readonly hpa?: number;
  readonly others?: readonly ReturnType<typeof storedService>[];
  readonly before?: KnownBounds;
  /** The others were looked at, and may open on that server what this one may. */
  readonly isShared?: true;
}

function judged({ spec, target, server = {}, hpa, others = [], before, isShared }: Given) {
  const service = serviceOf(spec);
  const found = { kind: 'found', replicas: 2, selector: [], ...target } as TargetSeen;
  const resolution = resolve({
    service,
    policy: undefined,
    targets: new Map([['workflow', found]]),
    podsMetrics: 'Shadow',
  });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  const value =
    server === 'Silent'
      ? { kind: 'problem', problem: new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' }) }
      : { kind: 'seen', value: server === 'Off' ? undefined : seen(server) };
  const unit = { name: 'main', mode: server === 'Off' ? 'Off' : 'Enforce' };
  const looked = [
    { lever: { name: 'postgresql', connectionsOf }, unit, seen: value },
  ] as unknown as readonly Observation[];
  const hpas = hpa === undefined ? [] : [{ spec: { maxReplicas: hpa } }];
  const uses = createConnectionUses();
  const shared: typeof uses = {
    ...uses,
    note: (noted, asked) => {
      for (const one of [noted, ...others]) uses.note(one, structuredClone(asked));
    },
  };
  const deps = {
    connectionUses: isShared === true ? shared : uses,
    podsAsked: createLastWords<readonly PodsAsked[]>(),
    caches: {
      services: { list: () => [service, ...others] },
      hpas: { by: () => hpas },
      quotas: { by: () => [] },
    } as never,
  };
  return judgeBudgets(resolution.resolved, looked, deps, { known: before });
}

describe('what is left for the pools', () => {
  const runtime = { postgresPool: { min: 1, max: 10 } };
  const full: Seen = { settings: { max_connections: { value: '45' } } }; // 30 for (3 + 3) Pods
  const bounds = (given: Given) => judged({ server: full, ...given }).left.atMost.pools;

  test.each<Given & { readonly name: string; readonly are: object }>([
    { name: 'where it fits, nothing is bounded', server: {}, are: {} },
    { name: 'else the pools share it: 10 × 30 / 60', are: { workflow: 5 } },
    {
      name: 'nothing where the policy only reports',
      spec: { overrides: { horizontal: { maxReplicas: 4 }, runtime, budgets: { onViolation: 'Report' } } },
      are: {},
    },
    {
      name: 'nothing where nobody writes the settings of the workload',
      spec: { overrides: { horizontal: { maxReplicas: 4 }, runtime: { ...runtime, mode: 'Off' } } },
      are: {},
    },
    { name: 'nothing in DryRun', spec: { mode: 'DryRun' }, are: {} },
  ])('$name', ({ are, ...given }) => expect(Object.fromEntries(bounds(given))).toEqual(are));

  test('and for replicas, where the least pools are too much: (3 + 3) × 5 = 30 of 30, by that server', () => {
    const spec = { overrides: { horizontal: { maxReplicas: 4 }, runtime: { postgresPool: { min: 5, max: 10 } } } };
    const server: Seen = { settings: { max_connections: { value: '45' } } };
    expect([...judged({ spec, server }).left.atMost.replicas]).toEqual([
      ['workflow', { max: 3, by: 'postgres/main max_connections' }],
    ]);
    expect(judged({ spec, server: { databaseLimit: 40 } }).left.atMost.replicas.get('workflow')).toEqual({
      max: 3,
      by: 'postgres/main connection limit of database shop',
    });
    const asApp = { ...spec, postgres: [{ name: 'main', secretRef: { name: 'pg' }, clientRole: 'app' }] };
    expect(
      judged({ spec: asApp, server: { clientRole: 'app', roleLimit: 32 } }).left.atMost.replicas.get('workflow'),
    ).toEqual({
      max: 3,
      by: 'postgres/main connection limit of role app',
    });
    const floorOnly = { overrides: { ...spec.overrides, horizontal: { mode: 'FloorOnly' as const, maxReplicas: 4 } } };
    expect(judged({ spec: floorOnly, server, hpa: 4 }).left.atMost.replicas.size).toBe(0);
    const direct = {
      overrides: {
        ...spec.overrides,
        horizontal: { mode: 'Off' as const, maxReplicas: 4 },
        scaler: { algorithm: 'Score' as const },
      },
    };
    expect(judged({ spec: direct, server }).left.atMost.replicas.get('workflow')?.max).toBe(3);
  });

  test('nobody knows while a server is silent or another service was not looked at', () => {
    const nothing = { atMost: { pools: new Map(), replicas: new Map() }, isWhole: false };
    expect(judged({ server: 'Silent' }).left).toEqual(nothing);
    const others = [storedService({ metadata: { name: 'other' }, spec: serviceOf().spec })];
    expect(judged({ server: full, others }).left).toEqual(nothing);
    expect(judged({ server: full }).left.isWhole).toBe(true);
  });

  test('Pods that another service only reports of are counted once', () => {
    const named = (name: string, mode: 'DryRun' | 'Enforce', target: string) => {
      const components = [{ name: 'workflow', targetRef: { ...targetRef, name: target } }];
      return storedService({ metadata: { name, uid: name }, spec: { ...serviceOf().spec, mode, components } });
    };
    const needed = (...others: readonly ReturnType<typeof storedService>[]) =>
      judged({ others, isShared: true }).connections.get('main')?.needed;
    const alone = needed() ?? 0;
    expect(needed(named('look', 'DryRun', 'web'))).toBe(alone);
    expect(needed(named('look', 'DryRun', 'api'), named('real', 'Enforce', 'api'))).toBe(2 * alone);
    expect(needed(named('look', 'DryRun', 'api'), named('again', 'DryRun', 'api'))).toBe(2 * alone);
  });

  test('what a server left that is silent now holds on, and what the quota leaves moves without it', () => {
    const before = {
      connections: new Map([['main', { pools: new Map([['workflow', 5]]), replicas: new Map() }]]),
      quota: [{ pools: new Map(), replicas: new Map([['workflow', { max: 3, by: 'quota/compute cpu' }]]) }],
    };
    const now = judged({ server: 'Silent', before }); // the quota is gone
    expect(now.left).toEqual({ atMost: before.connections.get('main'), isWhole: true });
    expect(now.known).toEqual({ connections: before.connections, quota: [] });
  });
});

describe('judgeBudgets()', () => {
  test.each<Given & { readonly name: string; readonly needed: number }>([
    { name: 'all Pods twice, where a roll-out still ends the old ones: (3 + 3) × 10', needed: 60 },
    { name: 'them once, where each ends before the next starts: 3 × 10', target: { hasOverlap: false }, needed: 30 },
    {
      name: 'replicas above the policy’s, while they are there: (6 + 6) × 10',
      target: { replicas: 6 },
      needed: 120,
    },
    {
      name: 'somebody else’s HPA where ours is off: (8 + 8) × 10',
      spec: { overrides: { horizontal: { mode: 'FloorOnly' }, runtime: { postgresPool: { min: 1, max: 10 } } } },
      hpa: 8,
      needed: 160,
    },
    {
      name: 'the replicas that are there, without any HPA: (2 + 2) × 10',
      spec: { overrides: { horizontal: { mode: 'Off' }, runtime: { postgresPool: { min: 1, max: 10 } } } },
      needed: 40,
    },
    {
      name: 'what the scaler may come to by itself, without any HPA: (3 + 3) × 10',
      spec: {
        overrides: {
          horizontal: { mode: 'Off', maxReplicas: 3 },
          scaler: { algorithm: 'Score' as const },
          runtime: { postgresPool: { min: 1, max: 10 } },
        },
      },
      needed: 60,
    },
    {
      name: 'the replicas that are there, where the scaler only tells: (2 + 2) × 10',
      spec: {
        overrides: {
          horizontal: { mode: 'Off', maxReplicas: 4 },
          scaler: { mode: 'DryRun' },
          runtime: { postgresPool: { min: 1, max: 10 } },
        },
      },
      needed: 40,
    },
  ])('counts $name', ({ needed, ...given }) => {
    expect(judged(given).connections.get('main')).toMatchObject({ needed, available: 85 });
  });

  test.each<Given & { readonly name: string; readonly says: readonly object[] }>([
    { name: 'nothing of a PostgreSQL that is not looked at', server: 'Off', says: [] },
    { name: 'that it fits', says: [{ status: 'True', reason: 'Consistent' }] },
    {
      name: 'that it does not',
      server: { settings: { max_connections: { value: '70' } } },
      says: [{ status: 'False', reason: 'ConnectionsExceeded' }],
    },
    {
      name: 'that its database takes too few',
      server: { databaseLimit: 69 },
      says: [{ status: 'False', message: expect.stringContaining('at most 59: connection limit of database shop 69') }],
    },
    {
      name: 'that nobody knows of a server that is silent',
      server: 'Silent',
      says: [{ status: 'Unknown', reason: 'ConnectionsUnknown' }],
    },
    {
      name: 'that nobody knows the limit of a role that is not there',
      spec: { postgres: [{ name: 'main', secretRef: { name: 'pg' }, clientRole: 'nobody' }] },
      server: { clientRole: 'nobody' },
      says: [
        {
          status: 'Unknown',
          reason: 'ConnectionsUnknown',
          message: expect.stringMatching(/^saw no role nobody on main;/),
        },
      ],
    },
    {
      name: 'nothing yet while another service was not looked at',
      others: [storedService({ metadata: { name: 'other' }, spec: serviceOf().spec })],
      says: [{ status: 'Unknown', reason: 'Pending' }],
    },
  ])('says $name', ({ says, ...given }) => {
    expect(judged(given).conditions).toMatchObject(says);
  });
});

test('a standby has connections of its own, and the server is known by its address where it tells no more', () => {
  const [primary, standby] = [seen(), seen({ isStandby: true })].map((server) => connectionsOf(server).server);
  expect(primary).toBe('7000000000000000001');
  expect(standby).not.toBe(primary);
  expect(connectionsOf(seen({ systemId: null })).server).toBe('pg.ai.svc:5432');
});
