import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import { createHitRatios } from '../../../operator/reconcilers/hit-ratios.ts';
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

describe('hit ratios', () => {
  /** What the redis lever sees of a server with these totals. */
  const seen = (name: string, hits: number, misses: number): Observation => ({
    lever: { name: 'redis', lookupsOf: () => ({ hits, misses }) } as unknown as AnyLever,
    unit: { name, mode: 'Enforce' },
    seen: { kind: 'seen', value: {} },
  });
  test('are of the worst server', () => {
    const ratios = createHitRatios();
    ratios.note(service('first'), [seen('a', 0, 0), seen('b', 0, 0)], 1_000);
    ratios.note(service('first'), [seen('a', 90, 10), seen('b', 50, 50)], 2_000);
    expect(ratios.of(service('first'), 0)).toEqual({ value: 0.5, observedAt: 2_000 });
  });
  test('keep an hour, and a server that does not answer for now', () => {
    const ratios = createHitRatios();
    ratios.note(service('first'), [seen('a', 0, 0)], 1_000);
    ratios.note(service('first'), [seen('a', 0, 100)], 2_000);
    const problem = new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' });
    ratios.note(service('first'), [{ ...seen('a', 0, 0), seen: { kind: 'problem', problem } }], 3_000);
    expect(ratios.of(service('first'), 0)).toMatchObject({ value: 0 });
    ratios.note(service('first'), [seen('a', 100, 100)], 3_602_000); // the two looks before are older than an hour by now
    expect(ratios.of(service('first'), 0)).toBeUndefined();
  });
  test('of each server stand beside what it said at the last visit; nothing of one that did not answer then', () => {
    const ratios = createHitRatios();
    const said = (name: string, hits: number): Observation => ({
      ...seen(name, hits, 0),
      lever: {
        name: 'redis',
        lookupsOf: () => ({ hits, misses: 0 }),
        cacheOf: () => ({ hits }),
      } as unknown as AnyLever,
    });
    ratios.note(service('first'), [said('a', 0), said('b', 0)], 1_000);
    ratios.note(
      service('first'),
      [said('a', 100), { ...said('b', 0), seen: { kind: 'seen', value: undefined } }],
      2_000,
    );
    expect(ratios.servers(service('first'), 0)).toEqual([
      { name: 'a', observedAt: 2_000, hitRatio: 1, figures: { hits: 100 } },
    ]);
    expect(ratios.servers(service('second'), 0)).toEqual([]);
  });
  test('of a service made again under the same name begin anew', () => {
    const ratios = createHitRatios();
    ratios.note(service('first'), [seen('a', 0, 0)], 1_000);
    ratios.note(service('second'), [seen('a', 90, 10)], 2_000);
    expect(ratios.of(service('second'), 0)).toBeUndefined(); // one look is no rate
    ratios.forget('ai/generation');
    expect(ratios.of(service('second'), 0)).toBeUndefined();
  });
});
