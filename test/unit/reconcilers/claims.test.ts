import { describe, expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import { Problem } from '../../../operator/api/problem.ts';
import type { LeverMode } from '../../../operator/levers/lever.ts';
import type { AnyLever, Observation } from '../../../operator/levers/run.ts';
import { claimedBy, withoutClaimed, type Claims } from '../../../operator/reconcilers/claims.ts';
import type { StateView } from '../../../operator/reconcilers/state.ts';
import { storedService } from '../../world/builders.ts';

const service = (name: string, creationTimestamp: string, mode: GenerationService['spec']['mode'] = 'Enforce') =>
  storedService({ metadata: { name, uid: name, creationTimestamp }, spec: { mode } });
const older = service('older', '2026-01-01T00:00:00Z');
const younger = service('younger', '2026-01-02T00:00:00Z');

/** These services are there, and this one (a uid) has settings of Redis on the server `run`. */
const claims = (services: readonly GenerationService[], holder: string, uid = holder): Claims => {
  const state: StateView = {
    namespace: 'ai',
    resourceVersion: '1',
    serviceName: holder,
    service: uid,
    state: { version: 1, levers: {} },
    isHeld: false,
  };
  return {
    services: { get: (key) => services.find(({ metadata: { name } }) => key === `ai/${name}`) },
    states: { by: (_, server) => (server === 'redis run' ? [state] : []) },
  };
};
const seen = (serverId: string, mode: LeverMode = 'Enforce'): Observation => ({
  lever: { name: 'redis', serverOf: (value: string) => [value, 'redis.ai.svc:6379'] } as unknown as AnyLever,
  unit: { name: 'cache', mode },
  seen: { kind: 'seen', value: serverId },
});
const ofAnotherLever: Observation = {
  ...seen('run'),
  lever: { name: 'postgresql', serverOf: (value: string) => [value] } as unknown as AnyLever,
};
const unreachable: Observation = {
  ...seen('run'),
  seen: { kind: 'problem', problem: new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' }) },
};
type Row = {
  readonly name: string;
  readonly observation?: Observation;
  readonly of?: GenerationService;
  readonly caches: Claims;
  readonly expected: string | undefined;
};

describe('claimedBy()', () => {
  test.each<Row>([
    { name: 'names the older service that tunes the server', caches: claims([older], 'older'), expected: 'ai/older' },
    { name: 'says nothing of a younger one', of: older, caches: claims([younger], 'younger'), expected: undefined },
    { name: 'says nothing of itself', caches: claims([younger], 'younger'), expected: undefined },
    { name: 'says nothing of a service that is gone', caches: claims([], 'older'), expected: undefined },
    {
      name: 'says nothing of one that was made again since it wrote that',
      caches: claims([older], 'older', 'uid-before'),
      expected: undefined,
    },
    {
      name: 'says nothing of one that only reports',
      caches: claims([service('older', '2026-01-01T00:00:00Z', 'DryRun')], 'older'),
      expected: undefined,
    },
    {
      name: 'says nothing of another server',
      observation: seen('other'),
      caches: claims([older], 'older'),
      expected: undefined,
    },
    {
      name: 'says nothing of what another lever has on the server: indexes belong to whoever declares them',
      observation: ofAnotherLever,
      caches: claims([older], 'older'),
      expected: undefined,
    },
    {
      name: 'knows nothing of a server that was not seen',
      observation: unreachable,
      caches: claims([older], 'older'),
      expected: undefined,
    },
    {
      name: 'does not ask for a lever that is Off',
      observation: seen('run', 'Off'),
      caches: claims([older], 'older'),
      expected: undefined,
    },
  ])('$name', ({ observation = seen('run'), of = younger, caches, expected }) => {
    expect(claimedBy(observation, of, caches)).toBe(expected);
  });
});

test('a claimed server becomes a Conflict that names the service and what to do; others stay as they were seen', () => {
  const free = seen('other');
  const [claimed, untouched] = withoutClaimed([seen('run'), free], younger, claims([older], 'older'));
  expect(claimed?.seen).toMatchObject({
    kind: 'problem',
    problem: { reason: 'Conflict', message: expect.stringMatching(/ai\/older.*remove cache here/) },
  });
  expect(untouched).toBe(free);
});
