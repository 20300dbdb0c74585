import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import type { Observation } from '../../../operator/levers/run.ts';
import { createCacheServers } from '../../../operator/reconcilers/cache-servers.ts';
import { storedService } from '../../world/builders.ts';

const service = storedService();
const since = 1_000;
const redis = (name: string, seen: Observation['seen']): Observation =>
  ({
    lever: { name: 'redis', lookupsOf: (totals: object) => [totals] },
    unit: { name, mode: 'Enforce' },
    seen,
  }) as never;
const answers = (name: string, hits: number): Observation => redis(name, { kind: 'seen', value: { hits, misses: 0 } });
const silent = (name: string): Observation =>
  redis(name, { kind: 'problem', problem: new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' }) });

/** Two servers, each with two looks within the window: `busy` had 100 look-ups, `quiet` none. */
function looked() {
  const servers = createCacheServers();
  servers.note(service, [answers('busy', 0), answers('quiet', 0)], 2_000);
  servers.note(service, [answers('busy', 100), answers('quiet', 0)], 3_000);
  return servers;
}

describe('a cache server', () => {
  test('that does not answer at one look still counts by what it said', () => {
    const servers = looked();
    servers.note(service, [silent('busy'), answers('quiet', 0)], 4_000);
    expect(servers.isIdle(service, since)).toBe(false);
    expect(servers.worstHitRatio(service, since)).toMatchObject({ value: 1 });
  });
  test.each<{ name: string; observations: readonly Observation[] }>([
    { name: 'that the spec no longer names', observations: [answers('quiet', 0)] },
    {
      name: 'that the policy switches off',
      observations: [redis('busy', { kind: 'seen', value: undefined }), answers('quiet', 0)],
    },
  ])('$name counts no more: the rest may be idle', ({ observations }) => {
    const servers = looked();
    servers.note(service, observations, 4_000);
    expect(servers.isIdle(service, since)).toBe(true);
    expect(servers.worstHitRatio(service, since)).toBeUndefined();
  });
});
