import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgeConnections, type BudgetInput } from '../../../operator/decide/connection-budget.ts';
import { connectionsNeeded, type PodPools } from '../../../operator/decide/connection-clamp.ts';

const workflow: PodPools = {
  component: 'workflow',
  minReplicas: 2,
  maxReplicas: 3,
  hasOverlap: true,
  pool: { min: 5, max: 20 },
  isLowered: false,
  hasFewer: false,
};
const server = { server: '7', max: 100, reserved: 3, database: { name: 'shop', limit: undefined }, open: undefined };
/** So many, and nobody can lower them. */
const opens = (by: string, connections: number, database = 'shop'): BudgetInput['others'][number] => ({
  by,
  database,
  use: { pods: [], poolerConnections: connections },
});
const budget = (given: Partial<BudgetInput> = {}, pods: readonly PodPools[] = [workflow]) =>
  judgeConnections({
    name: 'main',
    connections: server,
    kept: 10,
    own: { pods, poolerConnections: undefined },
    others: [],
    ...given,
  });

describe('judgeConnections()', () => {
  test.each<{ name: string; given: Partial<BudgetInput>; pods?: readonly PodPools[]; needed: number; fits: boolean }>([
    {
      name: 'fits where it needs just what there is ((2 + 2) × 20 + 7 = 87)',
      given: { others: [opens('ai/b', 7)] },
      pods: [{ ...workflow, maxReplicas: 2 }],
      needed: 87,
      fits: true,
    },
    {
      name: 'does not with one more',
      given: { others: [opens('ai/b', 8)] },
      pods: [{ ...workflow, maxReplicas: 2 }],
      needed: 88,
      fits: false,
    },
    {
      name: 'counts a pooler for all Pods behind it',
      given: { own: { pods: [workflow], poolerConnections: 40 } },
      needed: 40,
      fits: true,
    },
    {
      name: 'sums up all components',
      given: {},
      pods: [workflow, { ...workflow, component: 'api', hasOverlap: false }],
      needed: 180,
      fits: false,
    },
    {
      name: 'leaves nothing free where a server has less than is kept',
      given: { kept: 1000 },
      needed: 120,
      fits: false,
    },
  ])('$name', ({ given, pods, needed, fits }) => {
    const judged = budget(given, pods);
    expect(judged).toMatchObject({ needed, available: given.kept === 1000 ? 0 : 87 });
    expect(judged.problem === undefined).toBe(fits);
  });

  const pooled = { pods: [workflow], poolerConnections: 40 };
  const open = (sessions: number | undefined, own = pooled) =>
    budget({ connections: { ...server, open: sessions }, own, others: [opens('ai/b', 7)] });

  test('more sessions than are declared contradict the declaration, and what is kept for others is none (40 + 7 + 10)', () => {
    expect(open(57).undeclared).toBeUndefined();
    expect(open(undefined).undeclared).toBeUndefined();
    expect(open(58)).toMatchObject({
      needed: 47,
      undeclared:
        'saw more than 57 sessions open on main; wanted at most 47 of those who declare it (40 of its pooler, 7 of ai/b) and 10 of postgres.reservedConnections; next: see in pg_stat_activity whose they are: correct spec.postgres[].pooler where it opens more, or declare them in a GenerationService, or raise postgres.reservedConnections',
    });
    expect(open(58).problem).toBeUndefined();
    expect(open(98, { ...pooled, poolerConnections: 90 }).undeclared).toBeUndefined(); // that it does not fit is said as it is
  });

  test('says the arithmetic, and what would fit: pools first', () => {
    expect(budget().problem).toBe(
      'saw 120 connections that may be opened on main at once: 120 of workflow (3 replicas, as many that still end in a roll-out; 20 each); wanted at most 87: max_connections 100 − 3 that the server reserves − 10 of postgres.reservedConnections; next: declare runtime.postgresPool.max: 14 for workflow, or name the pooler that stands in between (spec.postgres[].pooler), or raise max_connections to 133',
    );
  });

  describe('a role that may have fewer connections than its server', () => {
    const limited = (limit: number | undefined) => ({
      connections: { ...server, role: { name: 'app', limit, isThere: true } },
    });
    const app = (by: string, connections: number) => ({ ...opens(by, connections, 'another'), role: 'app' });

    test('is what bounds them, with its own arithmetic and whoever logs in as it, whichever database they use', () => {
      expect(budget({ ...limited(60), others: [app('ai/b', 7), opens('ai/c', 9)] })).toMatchObject({
        needed: 127,
        available: 60,
        by: 'connection limit of role app',
        problem: expect.stringMatching(
          /7 of ai\/b; wanted at most 60: connection limit of role app 60; next: declare .*, or raise the connection limit of role app to 127 \(ALTER ROLE … CONNECTION LIMIT\)$/,
        ),
      });
    });

    test.each([
      { name: 'does not where the server has fewer still', limit: 88, by: 'max_connections', available: 87 },
      { name: 'does one below', limit: 86, by: 'connection limit of role app', available: 86 },
      { name: 'takes none at all', limit: 0, by: 'connection limit of role app', available: 0 },
      { name: 'has no limit', limit: undefined, by: 'max_connections', available: 87 },
    ])('$name', ({ limit, by, available }) => expect(budget(limited(limit))).toMatchObject({ by, available }));
  });

  describe('a database that takes fewer connections than its server', () => {
    const limited = (limit: number) => ({ connections: { ...server, database: { name: 'shop', limit } } });
    const ours = { ...workflow, isLowered: true };

    test('is what bounds them, with its own arithmetic', () => {
      expect(budget({ ...limited(60), others: [opens('ai/b', 7)] })).toMatchObject({
        needed: 127,
        available: 50,
        by: 'connection limit of database shop',
        problem: expect.stringMatching(
          /7 of ai\/b; wanted at most 50: connection limit of database shop 60 − 10 of postgres\.reservedConnections; next: declare .*, or raise the connection limit of database shop to 137 \(ALTER DATABASE … CONNECTION LIMIT\)$/,
        ),
      });
    });

    test.each([
      { name: 'does not where the server has fewer still', limit: 98, by: 'max_connections', available: 87 },
      { name: 'does one below', limit: 96, by: 'connection limit of database shop', available: 86 },
      { name: 'takes none at all', limit: 0, by: 'connection limit of database shop', available: 0 },
    ])('$name', ({ limit, by, available }) => expect(budget(limited(limit))).toMatchObject({ by, available }));

    test('counts none of those who use another database of the server, which has to have room for both', () => {
      const others = [opens('ai/b', 50, 'theirs')];
      const one = [{ ...workflow, maxReplicas: 1, pool: { min: 5, max: 15 } }]; // (1 + 1) × 15
      expect(budget({ ...limited(40), others }, one)).toMatchObject({ needed: 30, available: 30 });
      expect(budget({ ...limited(40), others }, one).problem).toBeUndefined();
      expect(budget({ ...limited(40), others: [opens('ai/b', 58, 'theirs')] }, one)).toMatchObject({
        needed: 88,
        available: 87,
        by: 'max_connections',
      });
    });

    test('lowers the pools as far as both take: 20 × 50 / 120', () => {
      expect(Object.fromEntries(budget(limited(60), [ours]).pools)).toEqual({ workflow: 8 });
      const others = [opens('ai/b', 57, 'theirs')]; // and 20 × (87 − 57) / 120
      expect(Object.fromEntries(budget({ ...limited(60), others }, [ours]).pools)).toEqual({ workflow: 5 });
    });
  });

  describe('pools that are ours to lower', () => {
    const ours = { ...workflow, isLowered: true };
    const bounds = (given: Partial<BudgetInput>, pods: readonly PodPools[] = [ours]) =>
      Object.fromEntries(budget(given, pods).pools);
    test.each<{ name: string; given: Partial<BudgetInput>; pods?: readonly PodPools[]; are: object }>([
      { name: 'stay where all fits', given: {}, pods: [{ ...ours, maxReplicas: 2 }], are: {} },
      { name: 'share what there is: 20 × 87 / 120', given: {}, are: { workflow: 14 } },
      {
        name: 'by the same share as those of others: 20 × 87 / 240',
        given: { others: [{ by: 'ai/b', database: 'shop', use: { pods: [ours], poolerConnections: undefined } }] },
        are: { workflow: 7 },
      },
      {
        name: 'and what nobody can lower comes first: 20 × (87 − 40) / 120',
        given: { others: [opens('ai/b', 40)] },
        are: { workflow: 7 },
      },
      {
        name: 'not below their min, though it does not fit',
        given: { others: [opens('ai/b', 80)] },
        are: { workflow: 5 },
      },
      {
        name: 'beside one of ours that is not',
        given: {},
        pods: [ours, { ...workflow, component: 'api', maxReplicas: 1 }],
        are: { workflow: 7 },
      },
      { name: 'none behind a pooler', given: { own: { pods: [ours], poolerConnections: 100 } }, are: {} },
    ])('$name', ({ given, pods, are }) => expect(bounds(given, pods)).toEqual(are));

    test('where one keeps its min, the others have less: (87 − 6 × 10) / 6 = 4', () => {
      const large = { ...ours, component: 'large', pool: { min: 10, max: 10 } };
      expect(bounds({}, [ours, { ...large, pool: { min: 1, max: 20 } }])).toEqual({ workflow: 7, large: 7 });
      expect(bounds({}, [{ ...ours, pool: { min: 1, max: 20 } }, large])).toEqual({ workflow: 4, large: 10 });
    });

    test('are told', () => {
      expect(budget({}, [ours]).problem).toContain(
        'next: let it be so: budgets.onViolation has lowered runtime.postgresPool.max to 14 for workflow, or declare',
      );
    });
  });

  describe('replicas of an autoscaler that is ours', () => {
    const ours = { ...workflow, maxReplicas: 20, isLowered: true, hasFewer: true };
    const replicas = (given: Partial<BudgetInput>, pods: readonly PodPools[] = [ours]) =>
      Object.fromEntries(budget(given, pods).replicas);
    test.each<{ name: string; given: Partial<BudgetInput>; pods?: readonly PodPools[]; are: object }>([
      { name: 'stay while smaller pools are enough', given: {}, pods: [{ ...ours, maxReplicas: 8 }], are: {} },
      { name: 'are fewer where the least pools are too much: (8 + 8) × 5 = 80', given: {}, are: { workflow: 8 } },
      { name: 'never fewer than minReplicas', given: { others: [opens('ai/b', 80)] }, are: { workflow: 2 } },
      { name: 'stay where the autoscaler is not ours', given: {}, pods: [{ ...ours, hasFewer: false }], are: {} },
      {
        name: 'are fewer for every service alike: twice (4 + 4) × 5 = 80 of 87, and (5 + 5) × 5 would be 100',
        given: { others: [{ by: 'ai/b', database: 'shop', use: { pods: [ours], poolerConnections: undefined } }] },
        are: { workflow: 4 },
      },
      {
        name: 'stay behind a pooler',
        given: { own: { pods: [ours], poolerConnections: 100 } },
        are: {},
      },
    ])('$name', ({ given, pods, are }) => expect(replicas(given, pods)).toEqual(are));

    test('are told, and where even that is not enough, that', () => {
      expect(budget({}, [ours]).problem).toContain(
        'next: let it be so: budgets.onViolation has lowered runtime.postgresPool.max to 5 for workflow and horizontal.maxReplicas to 8 for workflow, or declare',
      );
      const { problem } = budget({ others: [opens('ai/b', 80)] }, [ours]);
      expect(problem).toContain(
        ', of which budgets.onViolation has lowered runtime.postgresPool.max to 5 for workflow and horizontal.maxReplicas to 2 for workflow: as far as it may, and not enough; wanted',
      );
      expect(problem).not.toContain('let it be so');
    });

    test('all that share a server fit into it, wherever the least of all does', () => {
      const pods = fc.record({
        component: fc.constant('a'),
        minReplicas: fc.integer({ min: 1, max: 5 }),
        maxReplicas: fc.integer({ min: 5, max: 60 }),
        hasOverlap: fc.boolean(),
        isLowered: fc.constant(true),
        hasFewer: fc.boolean(),
        pool: fc.record({ min: fc.integer({ min: 0, max: 5 }), max: fc.integer({ min: 5, max: 50 }) }),
      });
      const podsOf = ({ hasOverlap, maxReplicas }: PodPools): number => (hasOverlap ? 2 : 1) * maxReplicas;
      const least = (one: PodPools): number =>
        podsOf(one.hasFewer ? { ...one, maxReplicas: one.minReplicas } : one) * Math.max(one.pool.min, 1);
      fc.assert(
        fc.property(fc.array(pods, { minLength: 1, maxLength: 4 }), fc.integer({ min: 14, max: 2000 }), (all, max) => {
          const uses = all.map((one, index) => ({
            by: `ai/${index}`,
            database: 'shop',
            use: { pods: [one], poolerConnections: undefined },
          }));
          const together = all.map((one, index) => {
            const others = uses.filter((_, other) => other !== index);
            const judged = budget({ connections: { ...server, max }, others }, [one]);
            const maxReplicas = judged.replicas.get('a') ?? one.maxReplicas;
            expect(maxReplicas).toBeGreaterThanOrEqual(one.minReplicas);
            return podsOf({ ...one, maxReplicas }) * (judged.pools.get('a') ?? one.pool.max);
          });
          const sum = (figures: readonly number[]): number => figures.reduce((a, b) => a + b, 0);
          if (sum(all.map(least)) <= max - 13) expect(sum(together)).toBeLessThanOrEqual(max - 13);
        }),
      );
    });
  });

  test('names those who open most, and counts the others', () => {
    const others = Array.from({ length: 12 }, (_, index) => opens(`ai/s${index}`, index + 1));
    const { problem = '' } = budget({ others });
    expect(problem).toContain('12 of ai/s11, 11 of ai/s10');
    expect(problem).toContain(', 5 of ai/s4, 10 of 4 more services; wanted');
    expect(budget({ others: others.slice(4) }).problem).not.toContain('more services');
  });

  test('then replicas, where the least pools are too much: (8 + 8) × 5 = 80', () => {
    expect(budget({}, [{ ...workflow, maxReplicas: 20 }]).problem).toContain(
      'next: declare runtime.postgresPool.max: 5 and horizontal.maxReplicas: 8 for workflow, or name the pooler',
    );
  });

  test.each([
    {
      name: 'no fewer than minReplicas with the least pools',
      pods: [{ ...workflow, minReplicas: 12, maxReplicas: 20 }],
      own: undefined,
      next: 'next: name the pooler that stands in between (spec.postgres[].pooler), or raise max_connections to 813',
    },
    {
      name: 'a pooler that opens too many, beside another service',
      pods: [workflow],
      own: { pods: [workflow], poolerConnections: 100 },
      next: 'next: let the pooler open at most 47, or raise max_connections to 153',
    },
  ])('names only what helps: $name', ({ pods, own, next }) => {
    const others = own === undefined ? [] : [opens('shop/api', 40)];
    expect(budget({ others, ...(own && { own }) }, pods).problem).toContain(next);
  });

  test('what it calls fitting does fit, and keeps every minimum', () => {
    const pods = fc.record({
      component: fc.constantFrom('a', 'b'),
      minReplicas: fc.integer({ min: 1, max: 5 }),
      maxReplicas: fc.integer({ min: 5, max: 60 }),
      hasOverlap: fc.boolean(),
      isLowered: fc.constant(false),
      hasFewer: fc.constant(false),
      pool: fc.record({ min: fc.integer({ min: 0, max: 5 }), max: fc.integer({ min: 5, max: 50 }) }),
    });
    fc.assert(
      fc.property(pods, fc.integer({ min: 14, max: 500 }), (one, max) => {
        const { problem } = budget({ connections: { ...server, max } }, [one]);
        const found =
          /declare (?:runtime\.postgresPool\.max: (\d+))?(?: and )?(?:horizontal\.maxReplicas: (\d+))?/.exec(
            problem ?? '',
          );
        if (found === null) return;
        const pool = Number(found[1] ?? one.pool.max);
        const maxReplicas = Number(found[2] ?? one.maxReplicas);
        expect(pool).toBeGreaterThanOrEqual(Math.max(one.pool.min, 1));
        expect(maxReplicas).toBeGreaterThanOrEqual(one.minReplicas);
        const lowered = { ...one, maxReplicas, pool: { ...one.pool, max: pool } };
        expect(connectionsNeeded({ pods: [lowered], poolerConnections: undefined })).toBeLessThanOrEqual(max - 13);
      }),
    );
  });
});
