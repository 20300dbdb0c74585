import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import type { Resolved } from '../../../operator/decide/resolve.ts';
import type { AnyLever, UnitPlan } from '../../../operator/levers/run.ts';
import type { ServiceState } from '../../../operator/reconcilers/state.ts';
import { applyLookingAgain, applyRemembered, planService } from '../../../operator/reconcilers/visit.ts';
import { storedService } from '../../world/builders.ts';

const never = new AbortController().signal;

test('what another loop writes into the state during a visit is not undone by it', async () => {
  const rollUps = { countedUntil: 1_700_000_000, minutes: {}, hours: { Memory: '23*3600 3400/200' } };
  let state: ServiceState = { version: 1, levers: {} };
  const states = {
    write: (_: unknown, change: (state: ServiceState) => ServiceState) => Promise.resolve(void (state = change(state))),
  };
  const remember = { originals: { maxmemory: '0' }, applied: { maxmemory: '64mb' } };
  const plan = {
    lever: {
      name: 'redis',
      apply: () => {
        state = { ...state, rollUps };
        return Promise.resolve({ result: 'applied' });
      },
    },
    unit: { name: 'cache', mode: 'Enforce' },
    changes: [{ cause: 'Declared', differences: [{ field: 'maxmemory', to: '64mb' }], remember }],
    condition: { status: 'True', reason: 'Applied', message: '' },
    status: {},
  } as unknown as UnitPlan;
  const deps = { states, mayAct: () => true } as unknown as Parameters<typeof applyRemembered>[3];

  await applyRemembered(storedService(), [plan], state, deps, never);

  expect(state).toEqual({ version: 1, levers: { 'redis/cache': remember }, rollUps });
});

describe('applyLookingAgain()', () => {
  const moved = new Problem('Failed', { saw: 'a replica', wanted: 'a primary' });

  /** A lever of two units, of which `cache` finds at its first changes that roles have moved, so often. */
  async function visited(outdatedTimes: number) {
    const told: string[] = [];
    let left = outdatedTimes;
    const lever = {
      name: 'redis',
      units: () => ['cache', 'other'].map((name) => ({ name, mode: 'Enforce' })),
      observe: (unit: { readonly name: string }) => {
        told.push(`look ${unit.name}`);
        return Promise.resolve({});
      },
      plan: ({ unit }: { readonly unit: { readonly name: string } }) => ({
        changes: ['first', 'second'].map((field) => ({
          cause: 'Declared',
          differences: [{ field, to: 'x' }],
          node: field,
          remember: { applied: { [unit.name]: 'x' } },
        })),
        condition: { status: 'True', reason: 'Applied', message: '' },
        status: {},
      }),
      apply: ({ node }: { readonly node: string }, { name }: { readonly name: string }) => {
        told.push(`set ${name} ${node}`);
        if (name !== 'cache' || node !== 'second' || left === 0) return Promise.resolve({ result: 'applied' });
        left -= 1;
        return Promise.resolve({ result: 'outdated', problem: moved });
      },
    } as unknown as AnyLever;
    let state: ServiceState = { version: 1, levers: {} };
    const states = {
      of: () => state,
      write: (_: unknown, change: (state: ServiceState) => ServiceState) =>
        Promise.resolve(void (state = change(state))),
    };
    const caches = { services: { get: () => undefined }, states: { by: () => [] } };
    const deps = {
      levers: [lever],
      states,
      caches,
      clock: { now: () => 0 },
      mayAct: () => true,
    } as unknown as Parameters<typeof applyLookingAgain>[3];
    const service = storedService() as Parameters<typeof applyLookingAgain>[0];
    const resolved = { components: [] } as unknown as Resolved;
    const planned = await planService(service, resolved, deps, never);
    told.length = 0;
    const { results } = await applyLookingAgain(service, resolved, planned, deps, never);
    return { told, results, memory: state.levers };
  }

  test('looks again at what has moved, and at that alone; what was made before counts too', async () => {
    const { told, results, memory } = await visited(1);
    expect(told.filter((word) => word.includes('cache'))).toEqual([
      'set cache first',
      'set cache second',
      'look cache',
      'set cache first',
      'set cache second',
    ]);
    expect(told.filter((word) => word.includes('other'))).toEqual(['set other first', 'set other second']);
    expect(results.map(({ outcome, taken }) => [outcome, taken.length])).toEqual([
      ['applied', 3],
      ['applied', 2],
    ]);
    expect(memory).toEqual({ 'redis/cache': { applied: { cache: 'x' } }, 'redis/other': { applied: { other: 'x' } } });
  });

  test('gives up after three looks in all, and says what stands in the way', async () => {
    const { told, results } = await visited(9);
    expect(told.filter((word) => word === 'look cache')).toHaveLength(2);
    expect(results[0]).toMatchObject({ outcome: 'failed', condition: { reason: 'Failed', message: moved.message } });
  });

  test('looks once where nothing has moved', async () => {
    expect((await visited(0)).told.filter((word) => word.startsWith('look'))).toEqual([]);
  });
});
