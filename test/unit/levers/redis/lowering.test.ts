import { describe, expect, test } from '@jest/globals';
import type { RedisMemory } from '../../../../operator/levers/redis/node-memory.ts';
import { plan } from '../../../../operator/levers/redis/plan.ts';
import { e1, seen, unitWith, type Seen } from './observations.ts';

const mib = 2 ** 20;
const target = 600 * mib;
const start = 1_000_000;

/** 1000 Mi in use and no limit yet, 9 of 10 look-ups hit. */
const full: Seen = {
  config: { ...e1, maxmemory: '0' },
  usedMemoryBytes: 1000 * mib,
  keys: { keys: 1_000, withoutExpiry: 0 },
  lookups: { hits: 900, misses: 100 },
  recent: { ratio: 0.9, lookupsPerSecond: 100, isAverage: true },
};
const at = (limitMib: number, more: Seen = {}): Seen => ({
  ...full,
  usedMemoryBytes: limitMib * mib,
  ...more,
  config: { ...e1, maxmemory: String(limitMib * mib), ...more.config },
});
const planned = (server: Seen, memory?: RedisMemory, now = start, redis: object = {}) =>
  plan({ unit: unitWith({ maxMemory: String(target), ...redis }), observed: seen(server), memory, now });
const sent = ({ changes }: ReturnType<typeof planned>) =>
  changes.flatMap(({ differences }) => differences.map(({ field, to }) => `${field} ${to}`));
const limitOf = (result: ReturnType<typeof planned>) =>
  result.changes.flatMap(({ differences }) =>
    differences.filter(({ field }) => field === 'maxmemory').map(({ to }) => Number(to) / mib),
  )[0];
const remembered = (result: ReturnType<typeof planned>) => result.changes.at(-1)?.remember ?? result.remember;

const first = planned(full);
const afterFirst = remembered(first);
const next = start + 30_000;

describe('a limit below what is in use', () => {
  test('is first set 5 % below it, and the condition says that it is on its way', () => {
    expect(limitOf(first)).toBe(950);
    expect(first.condition).toEqual({
      status: 'False',
      reason: 'Lowering',
      message: expect.stringContaining('wanted maxmemory 600Mi, for which keys are thrown out'),
    });
  });
  test.each([
    { name: 'with allkeys-lru says so', policy: 'allkeys-lru', withoutExpiry: 1, says: true },
    { name: 'with volatile-lru stay', policy: 'volatile-lru', withoutExpiry: 1, says: false },
    { name: 'that are not there are not named', policy: 'allkeys-lru', withoutExpiry: 0, says: false },
  ])('of keys without expiry: a way down $name', ({ policy, withoutExpiry, says }) => {
    const config = { ...e1, maxmemory: String(1000 * mib), 'maxmemory-policy': policy };
    const server = { ...full, config, keys: { keys: 100, withoutExpiry } };
    const { message } = planned(server, undefined, start, { evictionPolicy: policy }).condition;
    expect(message.includes('for which keys are thrown out, also those without expiry')).toBe(says);
    expect(message).toContain('wanted maxmemory 600Mi');
  });
  test.each([
    {
      name: 'comes down by 5 % of what is in use at the next visit (950 − 47.5)',
      server: at(950),
      now: next,
      to: 902.5,
    },
    { name: 'waits where the visit comes early', server: at(950), now: start + 20_000, to: undefined },
    {
      name: 'waits while the server still throws out (962 > 950 + 1 %)',
      server: at(950, { usedMemoryBytes: 962 * mib }),
      now: next,
      to: undefined,
    },
    {
      name: 'goes on where writes keep the server at its limit (955 < 950 + 1 %; 955 − 47.75)',
      server: at(950, { usedMemoryBytes: 955 * mib }),
      now: next,
      to: 907.25,
    },
    {
      name: 'is set at once where what is in use fits below it by now',
      server: at(950, { usedMemoryBytes: 500 * mib }),
      now: next,
      to: 600,
    },
  ])('$name', ({ server, now, to }) => {
    const result = planned(server, afterFirst, now);
    expect(limitOf(result)).toBe(to);
    expect(result.condition.reason).toBe(to === 600 ? 'Applied' : 'Lowering');
  });
  test('of a replica, which throws nothing out itself, is kept one step below what it has', () => {
    const replica = (server: Seen, now: number) => {
      const unit = unitWith({ maxMemory: String(target) });
      return plan({ unit, observed: { ...seen(server), role: 'Replica' }, memory: afterFirst, now });
    };
    expect(limitOf(replica(at(950, { usedMemoryBytes: 1000 * mib }), next))).toBeUndefined(); // its primary has yet to
    expect(limitOf(replica(at(950, { usedMemoryBytes: 970 * mib }), next))).toBe(921.5); // more than 950 and 1 %
  });
  test('the last step is the declared value, and then it is in force and nothing is remembered of the way', () => {
    const last = planned(
      at(610),
      { ...afterFirst, applied: { ...afterFirst?.applied, maxmemory: String(610 * mib) } },
      next,
    );
    expect([limitOf(last), last.condition.reason]).toEqual([600, 'Applied']);
    const there = planned(at(600), remembered(last), next + 30_000);
    expect(there).toMatchObject({ changes: [], condition: { reason: 'Applied' } });
    expect(there.remember).not.toHaveProperty('lowering');
  });
  test('goes on from where it was when the operator was restarted: all that it needs is remembered', () => {
    const state = JSON.parse(JSON.stringify(afterFirst)) as RedisMemory;
    expect(limitOf(planned(at(950), state, next))).toBe(902.5);
  });
  test('that somebody lifts meanwhile comes down again from what is in use, and counts as drift', () => {
    const lifted = { ...full, usedMemoryBytes: 980 * mib };
    const result = planned(lifted, { ...afterFirst, unconfirmed: [] }, next);
    expect(limitOf(result)).toBe(931);
    expect(result.changes.map(({ cause }) => cause)).toEqual(['Drift']);
    expect(planned(at(950), { ...afterFirst, unconfirmed: [] }, next).changes).toMatchObject([{ cause: 'Declared' }]);
  });
  test('begins anew in a new process', () => {
    const result = planned({ ...full, serverId: 'run-2' }, afterFirst, next - 20_000);
    expect(limitOf(result)).toBe(950);
  });
});

describe('the way down stops', () => {
  test('or goes back by a step when a write was refused for want of memory since', () => {
    const second = planned(at(950), afterFirst, next);
    const refused = { usedMemoryBytes: 904 * mib, writesRefused: 1 };
    const result = planned(at(902.5, refused), remembered(second), next + 1_000);
    expect(limitOf(result)).toBe(950);
    expect(result.condition).toMatchObject({ status: 'False', reason: 'LoweringStopped' });
    expect(result.condition.message).toMatch(
      /writes refused for want of memory on the way to maxmemory 600Mi.*next: set redis.maxMemory to the 950Mi/,
    );
    const later = planned(at(950, refused), remembered(result), next + 90_000);
    expect(later).toMatchObject({ changes: [], condition: result.condition });
  });
  test.each([
    { name: 'not at five points less (850 of 1000)', hits: 900 + 850, misses: 100 + 150, reason: 'Lowering' },
    {
      name: 'at more than five points less (849 of 1000)',
      hits: 900 + 849,
      misses: 100 + 151,
      reason: 'LoweringStopped',
    },
    { name: 'not by too few look-ups (0 of 99)', hits: 900, misses: 199, reason: 'Lowering' },
    { name: 'not where the totals began anew', hits: 1, misses: 150, reason: 'Lowering' },
  ])('$name', ({ hits, misses, reason }) => {
    expect(planned(at(950, { lookups: { hits, misses } }), afterFirst, next).condition.reason).toBe(reason);
  });
  test('and another target begins anew', () => {
    const stopped = planned(at(950, { writesRefused: 1 }), afterFirst, next).remember;
    const result = planned(at(950, { writesRefused: 1 }), stopped, next + 1_000, { maxMemory: String(700 * mib) });
    expect(limitOf(result)).toBe(902.5);
  });
  test('also where it was the last step that did the harm; a worse hit ratio there is what was asked for', () => {
    const last = planned(at(610), afterFirst, next);
    expect(limitOf(planned(at(600, { writesRefused: 1 }), remembered(last), next + 30_000))).toBe(610);
    const lookups = { hits: 900, misses: 1_000 };
    expect(planned(at(600, { lookups }), remembered(last), next + 30_000).condition.reason).toBe('Applied');
  });
});

describe('a step is judged by traffic like that before it', () => {
  /** Half of the look-ups of the next 30 s miss, where a tenth did. */
  const lookedUp = (count: number, hits = count / 2) => ({ lookups: { hits: 900 + hits, misses: 100 + count - hits } });
  const busy = remembered(planned({ ...full, recent: { ratio: 0.9, lookupsPerSecond: 100 } }));
  test.each([
    { name: 'not at half of it less 4 (47.9 + 4 of 104)', count: 1_437, reason: 'Lowering' },
    { name: 'at half of it (48 + 4 of 104)', count: 1_440, reason: 'LoweringStopped' },
    { name: 'at twice of it (204 + 4 of 104)', count: 6_120, reason: 'LoweringStopped' },
    { name: 'not above (204.1 + 4 of 104)', count: 6_123, reason: 'Lowering' },
    { name: 'not where the totals began anew', count: -500, reason: 'Lowering' },
  ])('$name', ({ count, reason }) => {
    const result = planned(at(950, lookedUp(count)), busy, next);
    expect(limitOf(result)).toBeUndefined();
    expect(result.condition.reason).toBe(reason);
    if (reason === 'Lowering') expect(result.condition.message).toContain('less than half or more than twice as many');
  });
  test('next to none after next to none is alike (0 + 4 of 3 + 4)', () => {
    const idle = remembered(planned({ ...full, recent: { ratio: 0.9, lookupsPerSecond: 3 } }));
    expect(limitOf(planned(at(950), idle, next))).toBe(902.5);
  });
  test('which is waited for, also where nothing seems lost: by what comes next it goes on, or stops', () => {
    const good = planned(at(950, lookedUp(30_000, 27_000)), busy, next);
    expect([limitOf(good), good.condition.reason]).toEqual([undefined, 'Lowering']);
    const early = planned(at(950, lookedUp(30_100, 27_000)), remembered(good), next + 10_000);
    expect([limitOf(early), early.condition]).toEqual([undefined, good.condition]);
    const alike = (hits: number) => planned(at(950, lookedUp(60_000, hits)), remembered(good), next + 30_000);
    expect(limitOf(alike(54_000))).toBe(902.5);
    expect(alike(50_000).condition.reason).toBe('LoweringStopped'); // 77 %
    const afterwards = planned(at(902.5, lookedUp(60_000, 54_000)), remembered(alike(54_000)), next + 60_000);
    expect(afterwards.condition.message).toContain('less than half or more than twice as many'); // none after 1000 a second
  });
  test('but a write that was refused takes the step back in any traffic', () => {
    expect(limitOf(planned(at(950, { ...lookedUp(30_000), writesRefused: 1 }), busy, next))).toBe(0);
  });
});

describe('a key of more than 5 % of all that is to go (400 Mi)', () => {
  const withKey = (keyMib: number): Seen => ({
    bigKeys: {
      state: 'Known',
      keys: [{ name: 'queue', bytes: keyMib * mib }],
      largestBytes: keyMib * mib,
      scanned: 1_000,
      total: 1_000,
      observedAt: 1,
    },
  });
  test('stops the limit before the first step and says what to do, without its name', () => {
    const result = planned({ ...full, ...withKey(21) });
    expect(limitOf(result)).toBeUndefined();
    expect(result.condition).toMatchObject({ status: 'False', reason: 'BigKey' });
    expect(result.condition.message).toMatch(
      /saw a key of at least 16Mi, .* wanted maxmemory 600Mi, .* redis.evictionGuard: Off/,
    );
    expect(result.condition.message).not.toContain('queue');
  });
  test('does not at 5 %, nor where the policy lets it go', () => {
    expect(limitOf(planned({ ...full, ...withKey(20) }))).toBe(950);
    expect(limitOf(planned({ ...full, ...withKey(300) }, undefined, start, { evictionGuard: 'Off' }))).toBe(950);
  });
  test('is measured by the whole way, however little of it is left', () => {
    expect(limitOf(planned(at(650, withKey(20)), afterFirst, next))).toBe(617.5);
  });
  test('stops it on the way too: nothing of it is forgotten, and the server evicts as it did before', () => {
    const rough = { 'maxmemory-eviction-tenacity': '100', 'lazyfree-lazy-eviction': 'no' };
    const gentle = { 'maxmemory-eviction-tenacity': '10', 'lazyfree-lazy-eviction': 'yes' };
    const during = remembered(planned({ ...full, config: { ...full.config, ...rough } }));
    const result = planned(at(950, { ...withKey(21), config: gentle }), during, next);
    expect(sent(result)).toEqual(['lazyfree-lazy-eviction no', 'maxmemory-eviction-tenacity 100']);
    expect(result.condition.reason).toBe('BigKey');
    expect(remembered(result)?.lowering).toEqual(during?.lowering);
    expect(limitOf(planned(at(950, { config: rough }), remembered(result), next + 30_000))).toBe(902.5); // it is gone
  });
});

describe('what a step costs is foreseen from a sample', () => {
  /** 100 keys of which ten reach each age of 1 to 10 s: half gone is all from 5.5 s on. Each was used again, or else there would be older ones. */
  const keys = Array.from({ length: 100 }, (_, index) => ({ bytes: 1_000, idleSeconds: Math.floor(index / 10) + 1 }));
  const sampled: Seen = {
    sample: { state: 'Known', keys, onlyExpiring: false },
    recent: { ratio: 0.9, lookupsPerSecond: 1_000, isAverage: true },
  };
  const step = planned({ ...full, ...sampled });
  const memory = remembered(step);
  test('and remembered with the step', () => {
    expect(memory?.lowering).toMatchObject({ ratio: 0.9, expected: expect.any(Number) });
    expect(memory?.lowering?.expected).toBeLessThanOrEqual(0.9);
  });
  test.each([
    {
      name: 'stops where it is more than five points worse than foreseen',
      expected: 0.7,
      hits: 649,
      reason: 'LoweringStopped',
    },
    {
      name: 'goes on where it is as bad as foreseen, however bad that is',
      expected: 0.7,
      hits: 650,
      reason: 'Lowering',
    },
  ])('$name', ({ expected, hits, reason }) => {
    const lowering = memory?.lowering && { ...memory.lowering, expected };
    const lookups = { hits: 900 + hits, misses: 100 + 1_000 - hits };
    const result = planned(at(950, { lookups }), { ...memory, ...(lowering && { lowering }) }, next);
    expect(result.condition.reason).toBe(reason);
    if (reason === 'LoweringStopped') expect(result.condition.message).toContain('where 70 % was foreseen');
  });
  test('who asks is told what the declared limit costs, or why nobody knows', () => {
    expect(step.cost).toMatch(
      /^at maxmemory 600Mi about 4[05] % of the keys would go, those that were not used for \d+ s/,
    );
    const atRandom = { state: 'AtRandom', onlyExpiring: true } as const;
    expect(planned({ ...full, ...sampled, sample: atRandom, keys: { keys: 1_000, withoutExpiry: 0 } }).cost).toMatch(
      /^at maxmemory 600Mi about 4[05] % of the keys would go, any of those with an expiry; the hit ratio would come from 90 % to about 5\d %/,
    );
    const why = 'saw "NOPERM"; wanted OBJECT IDLETIME of some keys';
    expect(planned({ ...full, sample: { state: 'Unknown', why } }).cost).toBe(
      `what maxmemory 600Mi costs is not known: ${why}`,
    );
    expect(planned({ ...full, ...sampled, usedMemoryBytes: 500 * mib }).cost).toBeUndefined();
  });
});

describe('the server throws out gently while its limit comes down', () => {
  const rough = { 'maxmemory-eviction-tenacity': '100', 'lazyfree-lazy-eviction': 'no' };
  const gentle = { 'maxmemory-eviction-tenacity': '10', 'lazyfree-lazy-eviction': 'yes' };
  test('before the first step, in the same change', () => {
    const result = planned({ ...full, config: { ...full.config, ...rough } });
    expect(sent(result)).toEqual([
      'lazyfree-lazy-eviction yes',
      'maxmemory-eviction-tenacity 10',
      `maxmemory ${950 * mib}`,
    ]);
  });
  test('and as it did before when it is done', () => {
    const during = remembered(planned({ ...full, config: { ...full.config, ...rough } }));
    const underWay = planned(at(950, { config: gentle }), during, next);
    expect(sent(underWay)).toEqual([`maxmemory ${902.5 * mib}`]);
    const done = planned(at(600, { config: gentle }), remembered(underWay), next + 30_000);
    expect(sent(done)).toEqual(['lazyfree-lazy-eviction no', 'maxmemory-eviction-tenacity 100']);
    const after = planned(
      at(600, { config: { ...gentle, 'maxmemory-eviction-tenacity': '50', 'lazyfree-lazy-eviction': 'no' } }),
      remembered(done),
      next + 60_000,
    );
    expect(after.changes).toEqual([]); // somebody's own choice from then on
    expect(after.remember?.applied).not.toHaveProperty('maxmemory-eviction-tenacity');
    const again = remembered(
      planned(
        { ...full, config: { ...full.config, ...rough, 'maxmemory-eviction-tenacity': '50' } },
        after.remember,
        next + 90_000,
      ),
    );
    expect(again?.originals).toMatchObject({ 'maxmemory-eviction-tenacity': '50' }); // what it goes back to the next time
  });
  test('but a declared value is kept where it is gentle, and comes back where it is not', () => {
    const parameters = { 'maxmemory-eviction-tenacity': '5' };
    const server = { ...full, config: { ...full.config, ...rough, 'maxmemory-eviction-tenacity': '5' } };
    expect(sent(planned(server, undefined, start, { parameters })).join()).not.toContain('tenacity');
    const declared = { 'maxmemory-eviction-tenacity': '100' };
    const done = planned(at(600, { config: gentle }), undefined, next, { parameters: declared });
    expect(sent(done)).toContain('maxmemory-eviction-tenacity 100');
  });
});
