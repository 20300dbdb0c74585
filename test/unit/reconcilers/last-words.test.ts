import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import { createCacheServers } from '../../../operator/reconcilers/cache-servers.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import type { AnyLever, Observation } from '../../../operator/levers/run.ts';
import { storedService } from '../../world/builders.ts';

const service = (uid: string, name = 'generation') => storedService({ metadata: { uid, name } });

describe('last words', () => {
  test('are of one service', () => {
    const words = createLastWords<string>();
    words.put(service('first'), 'a');
    words.put(service('other', 'other'), 'b');
    expect([words.of(service('first')), words.of(service('other', 'other'))]).toEqual(['a', 'b']);
    words.forget('ai/generation');
    expect([words.of(service('first')), words.of(service('other', 'other'))]).toEqual([undefined, 'b']);
  });
  test('are not inherited by a service made again under the same name', () => {
    const words = createLastWords<string>();
    words.put(service('first'), 'a');
    expect(words.of(service('second'))).toBeUndefined();
    words.put(service('second'), 'b');
    expect(words.of(service('second'))).toBe('b');
  });
});

describe('cache servers', () => {
  /** What the redis lever sees of a server with these totals. */
  const seen = (name: string, hits: number, misses: number): Observation => ({
    lever: { name: 'redis', lookupsOf: () => [{ hits, misses }] } as unknown as AnyLever,
    unit: { name, mode: 'Enforce' },
    seen: { kind: 'seen', value: {} },
  });
  test('have the hit ratio of the worst', () => {
    const servers = createCacheServers();
    servers.note(service('first'), [seen('a', 0, 0), seen('b', 0, 0)], 1_000);
    servers.note(service('first'), [seen('a', 90, 10), seen('b', 50, 50)], 2_000);
    expect(servers.worstHitRatio(service('first'), 0)).toEqual({ value: 0.5, observedAt: 2_000 });
  });
  test('are remembered for an hour, also one that does not answer for now', () => {
    const servers = createCacheServers();
    servers.note(service('first'), [seen('a', 0, 0)], 1_000);
    servers.note(service('first'), [seen('a', 0, 100)], 2_000);
    const problem = new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' });
    servers.note(service('first'), [{ ...seen('a', 0, 0), seen: { kind: 'problem', problem } }], 3_000);
    expect(servers.worstHitRatio(service('first'), 0)).toMatchObject({ value: 0 });
    servers.note(service('first'), [seen('a', 100, 100)], 3_602_000); // the two looks before are older than an hour by now
    expect(servers.worstHitRatio(service('first'), 0)).toBeUndefined();
  });
  test('each with what it said at the last visit; nothing of one that did not answer then', () => {
    const servers = createCacheServers();
    const said = (name: string, hits: number): Observation => ({
      ...seen(name, hits, 0),
      lever: {
        name: 'redis',
        lookupsOf: () => [{ hits, misses: 0 }],
        cacheOf: () => ({ hits }),
      } as unknown as AnyLever,
    });
    servers.note(service('first'), [said('a', 0), said('b', 0)], 1_000);
    servers.note(
      service('first'),
      [said('a', 100), { ...said('b', 0), seen: { kind: 'seen', value: undefined } }],
      2_000,
    );
    expect(servers.servers(service('first'), 0)).toEqual([
      { name: 'a', observedAt: 2_000, hitRatio: 1, figures: { hits: 100 } },
    ]);
    expect(servers.servers(service('second'), 0)).toEqual([]);
  });
  test('of a service made again under the same name begin anew', () => {
    const servers = createCacheServers();
    servers.note(service('first'), [seen('a', 0, 0)], 1_000);
    servers.note(service('second'), [seen('a', 90, 10)], 2_000);
    expect(servers.worstHitRatio(service('second'), 0)).toBeUndefined(); // one look is no rate
    servers.forget('ai/generation');
    expect(servers.worstHitRatio(service('second'), 0)).toBeUndefined();
  });
});
