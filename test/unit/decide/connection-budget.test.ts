import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  connectionsNeeded,
  judgeConnections,
  mostPods,
  type BudgetInput,
  type PodPools,
} from '../../../operator/decide/connection-budget.ts';

const workflow: PodPools = {
  component: 'workflow',
  minReplicas: 2,
  maxReplicas: 4,
  surge: '25%',
  pool: { min: 5, max: 20 },
  isLowered: false,
};
const budget = (given: Partial<BudgetInput> = {}, pods: readonly PodPools[] = [workflow]) =>
  judgeConnections({
    name: 'main',
    connections: { server: '7', max: 100, reserved: 3 },
    kept: 10,
    own: { pods, poolerConnections: undefined },
    others: [],
    ...given,
  });

describe('mostPods()', () => {
  test.each([
    { name: 'a quarter more, rounded up, and as many that still end (20 + 5 + 5)', replicas: 20, surge: '25%', is: 30 },
    { name: 'one more of a single one (1 + 1 + 1)', replicas: 1, surge: '25%', is: 3 },
    { name: 'a number of Pods (4 + 3 + 3)', replicas: 4, surge: 3, is: 10 },
    { name: 'none where each ends before the next starts', replicas: 4, surge: 0, is: 4 },
  ])('$name', ({ replicas, surge, is }) => expect(mostPods({ maxReplicas: replicas, surge })).toBe(is));
});

describe('judgeConnections()', () => {
  test.each<{ name: string; given: Partial<BudgetInput>; pods?: readonly PodPools[]; needed: number; fits: boolean }>([
    {
      name: 'fits where it needs just what there is ((2 + 1 + 1) × 20 + 7 = 87)',
      given: { others: [{ by: 'ai/b', needed: 7, lowerable: 0 }] },
      pods: [{ ...workflow, maxReplicas: 2 }],
      needed: 87,
      fits: true,
    },
    {
      name: 'does not with one more',
      given: { others: [{ by: 'ai/b', needed: 8, lowerable: 0 }] },
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
      pods: [workflow, { ...workflow, component: 'api', surge: 0 }],
      needed: 200,
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

  test('says the arithmetic, and what would fit: pools first', () => {
    expect(budget().problem).toBe(
      'saw 120 connections that may be opened on main at once: 120 of workflow (4 replicas, 1 more in a roll-out, 1 that still end; 20 each); wanted at most 87: max_connections 100 − 3 that the server reserves − 10 of postgres.reservedConnections; next: declare runtime.postgresPool.max: 14 for workflow, or name the pooler that stands in between (spec.postgres[].pooler), or raise max_connections to 133',
    );
  });

  describe('pools that are ours to lower', () => {
    const ours = { ...workflow, isLowered: true };
    const bounds = (given: Partial<BudgetInput>, pods: readonly PodPools[] = [ours]) =>
      Object.fromEntries(budget(given, pods).bounds);
    test.each<{ name: string; given: Partial<BudgetInput>; pods?: readonly PodPools[]; are: object }>([
      { name: 'stay where all fits', given: {}, pods: [{ ...ours, maxReplicas: 2 }], are: {} },
      { name: 'share what there is: 20 × 87 / 120', given: {}, are: { workflow: 14 } },
      {
        name: 'by the same share as those of others: 20 × 87 / 240',
        given: { others: [{ by: 'ai/b', needed: 120, lowerable: 120 }] },
        are: { workflow: 7 },
      },
      {
        name: 'and what nobody can lower comes first: 20 × (87 − 40) / 120',
        given: { others: [{ by: 'ai/b', needed: 40, lowerable: 0 }] },
        are: { workflow: 7 },
      },
      {
        name: 'not below their min, though it does not fit',
        given: { others: [{ by: 'ai/b', needed: 80, lowerable: 0 }] },
        are: { workflow: 5 },
      },
      {
        name: 'beside one of ours that is not',
        given: {},
        pods: [ours, { ...workflow, component: 'api', maxReplicas: 1 }],
        are: { workflow: 5 },
      },
      { name: 'none behind a pooler', given: { own: { pods: [ours], poolerConnections: 100 } }, are: {} },
    ])('$name', ({ given, pods, are }) => expect(bounds(given, pods)).toEqual(are));

    test('are told', () => {
      expect(budget({}, [ours]).problem).toContain(
        'next: let it be so: budgets.onViolation has lowered runtime.postgresPool.max to 14 for workflow, or declare',
      );
    });
  });

  test('names those who open most, and counts the others', () => {
    const others = Array.from({ length: 12 }, (_, index) => ({ by: `ai/s${index}`, needed: index + 1, lowerable: 0 }));
    const { problem = '' } = budget({ others });
    expect(problem).toContain('12 of ai/s11, 11 of ai/s10');
    expect(problem).toContain(', 5 of ai/s4, 10 of 4 more services; wanted');
    expect(budget({ others: others.slice(4) }).problem).not.toContain('more services');
  });

  test('then replicas, where the least pools are too much: (11 + 3 + 3) × 5 = 85', () => {
    expect(budget({}, [{ ...workflow, maxReplicas: 20 }]).problem).toContain(
      'next: declare runtime.postgresPool.max: 5 and horizontal.maxReplicas: 11 for workflow, or name the pooler',
    );
  });

  test.each([
    {
      name: 'no fewer than minReplicas with the least pools',
      pods: [{ ...workflow, minReplicas: 12, maxReplicas: 20 }],
      own: undefined,
      next: 'next: name the pooler that stands in between (spec.postgres[].pooler), or raise max_connections to 613',
    },
    {
      name: 'a pooler that opens too many, beside another service',
      pods: [workflow],
      own: { pods: [workflow], poolerConnections: 100 },
      next: 'next: let the pooler open at most 47, or raise max_connections to 153',
    },
  ])('names only what helps: $name', ({ pods, own, next }) => {
    const others = own === undefined ? [] : [{ by: 'shop/api', needed: 40, lowerable: 0 }];
    expect(budget({ others, ...(own && { own }) }, pods).problem).toContain(next);
  });

  test('what it calls fitting does fit, and keeps every minimum', () => {
    const pods = fc.record({
      component: fc.constantFrom('a', 'b'),
      minReplicas: fc.integer({ min: 1, max: 5 }),
      maxReplicas: fc.integer({ min: 5, max: 60 }),
      surge: fc.constantFrom<number | string>('25%', '100%', 0, 2),
      isLowered: fc.constant(false),
      pool: fc.record({ min: fc.integer({ min: 0, max: 5 }), max: fc.integer({ min: 5, max: 50 }) }),
    });
    fc.assert(
      fc.property(pods, fc.integer({ min: 14, max: 500 }), (one, max) => {
        const { problem } = budget({ connections: { server: '7', max, reserved: 3 } }, [one]);
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
