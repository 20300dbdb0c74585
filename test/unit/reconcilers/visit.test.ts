import { expect, test } from '@jest/globals';
import type { UnitPlan } from '../../../operator/levers/run.ts';
import type { ServiceState } from '../../../operator/reconcilers/state.ts';
import { applyRemembered } from '../../../operator/reconcilers/visit.ts';
import { storedService } from '../../world/builders.ts';

const never = new AbortController().signal;

test('what another loop writes into the state during a visit is not undone by it', async () => {
  const rollUps = { countedUntil: 1_700_000_000, minutes: {}, hours: { Memory: '23*3600 3400/200' } };
  let state: ServiceState = { version: 1, levers: {} };
  const states = {
    of: () => state,
    write: (_: unknown, next: ServiceState) => Promise.resolve(void (state = next)),
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
