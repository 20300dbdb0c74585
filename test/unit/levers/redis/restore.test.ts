import { describe, expect, test } from '@jest/globals';
import type { RedisMemory } from '../../../../operator/levers/redis/node-memory.ts';
import { restore } from '../../../../operator/levers/redis/restore.ts';
import { e1, seen, unitWith, type Seen } from './observations.ts';

const originals = { maxmemory: '0', 'maxmemory-policy': 'noeviction', save: '' };
const memory: RedisMemory = { originals, applied: e1, serverRun: 'run-1' };
const restored = (server: Seen, remembered: RedisMemory | undefined = memory) =>
  restore({ unit: unitWith(), observed: seen(server), memory: remembered, now: 0 });
const sent = (result: ReturnType<typeof restored>) =>
  result.changes.flatMap(({ differences }) => differences.map(({ field, to }) => [field, to]));

describe('restore()', () => {
  test('puts back every setting that is still ours, the rising limit before the eviction policy', () => {
    expect(sent(restored({ config: e1 }))).toEqual([
      ['maxmemory', '0'],
      ['maxmemory-policy', 'noeviction'],
      ['save', ''],
    ]);
    expect(restored({ config: e1 }).changes[0]?.remember).toBeUndefined();
  });

  test('leaves alone what somebody has changed since', () => {
    expect(sent(restored({ config: { ...e1, maxmemory: '77' } })).map(([name]) => name)).toEqual([
      'maxmemory-policy',
      'save',
    ]);
  });

  test('puts back what is no longer declared, if it is still ours when it would be sent', () => {
    const remembered = { ...memory, originals: { ...originals, hz: '10' }, applied: { ...e1, hz: '50' } };
    const { changes } = restored({ config: e1 }, remembered);
    expect(changes).toMatchObject([{ onlyOurs: true }]);
    expect(changes[0]?.differences).toContainEqual({ field: 'hz', from: '50', to: '10' });
  });

  test.each<[string, Seen, RedisMemory | undefined]>([
    ['everything is as it was', { config: { maxmemory: '0', save: '' } }, memory],
    ['nothing was ever changed', { config: e1 }, { applied: e1 }],
    ['the server has forgotten it at a restart', { config: { save: '' }, serverId: 'run-2' }, memory],
  ])('changes nothing where %s', (_, server, remembered) => {
    expect(restored(server, remembered)).toMatchObject({
      changes: [],
      condition: { status: 'True', reason: 'Applied' },
    });
  });

  describe('where keys have to go for the old limit', () => {
    const rough = { 'maxmemory-eviction-tenacity': '100', 'lazyfree-lazy-eviction': 'no' };
    const gentle = { 'maxmemory-eviction-tenacity': '10', 'lazyfree-lazy-eviction': 'yes' };
    const evicting = { ...memory, originals: { maxmemory: '1000000' } };
    const full = { config: { ...e1, ...rough }, usedMemoryBytes: 2_200_000 };
    const first = restored(full, evicting);
    const rememberedBy = (result: typeof first) => result.changes[0]?.remember;
    const at = (maxmemory: string, usedMemoryBytes: number, config: Seen['config'] = {}) => ({
      config: { ...e1, ...gentle, maxmemory, ...config },
      usedMemoryBytes,
    });

    test('has the server throw out gently first, a step of 5 %, and remembers how it did before', () => {
      expect(sent(first)).toEqual([
        ['lazyfree-lazy-eviction', 'yes'],
        ['maxmemory-eviction-tenacity', '10'],
        ['maxmemory', '2090000'],
      ]);
      expect(first.condition).toMatchObject({ status: 'False', reason: 'Lowering' });
      expect(rememberedBy(first)).toMatchObject({ originals: { maxmemory: '1000000', ...rough } });
    });

    test('takes a twelfth of the way where that is more (2.2 M − 100 k)', () => {
      const deep = { ...evicting, originals: { maxmemory: '600000' } };
      expect(sent(restored(full, deep)).at(-1)).toEqual(['maxmemory', String(2_200_000 - Math.ceil(1_600_000 / 12))]);
    });

    test.each([
      { name: 'waits until it is there (2 111 000 > 2 110 900)', used: 2_111_000, to: [] },
      { name: 'takes the next step once it is', used: 2_110_000, to: [['maxmemory', '2004500']] },
      {
        name: 'goes on where a step was intended and never made',
        limit: e1.maxmemory,
        used: 2_200_000,
        to: [['maxmemory', '2090000']],
      },
      {
        name: 'leaves a limit alone that somebody has set meanwhile',
        limit: '5000000',
        used: 2_200_000,
        to: undefined,
      },
    ])('$name', ({ limit = '2090000', used, to }) => {
      const result = restored(at(limit, used), rememberedBy(first));
      if (to === undefined) return expect(sent(result).map(([name]) => name)).not.toContain('maxmemory');
      expect(sent(result)).toEqual(to);
      expect(result.condition.reason).toBe('Lowering');
    });

    test('puts back how it throws out when it is all the way down, and not before', () => {
      const last = restored(at('2090000', 1_040_000), rememberedBy(first));
      expect(sent(last)).toEqual([['maxmemory', '1000000']]);
      expect(last.condition.reason).toBe('Lowering');
      const waiting = restored(at('1000000', 1_010_001), rememberedBy(last));
      expect(sent(waiting)).toEqual([]);
      expect(waiting.condition.reason).toBe('Lowering');
      const done = restored(at('1000000', 1_010_000), rememberedBy(last));
      expect(Object.fromEntries(sent(done) as [string, string][])).toEqual(rough);
      expect(done.condition.reason).toBe('Applied');
      const theirs = restored(at('1000000', 1_000_000, { 'maxmemory-eviction-tenacity': '50' }), rememberedBy(last));
      expect(sent(theirs)).toEqual([['lazyfree-lazy-eviction', 'no']]);
    });

    test('waits for no keys where it has not begun to lower the limit itself', () => {
      const result = restored(at('1000000', 2_200_000), { ...memory, originals: rough, applied: gentle });
      expect(Object.fromEntries(sent(result) as [string, string][])).toEqual(rough);
      expect(result.condition.reason).toBe('Applied');
    });

    test('is done with its last step where the server throws out gently anyway', () => {
      const result = restored({ ...at(e1.maxmemory, 1_040_000) }, evicting);
      expect(sent(result)).toEqual([['maxmemory', '1000000']]);
      expect(result.condition.reason).toBe('Applied');
    });

    test('keeps what was there before us, where the policy had begun a way down', () => {
      const onTheWay = { ...evicting, originals: { ...evicting.originals, ...rough }, applied: { ...e1, ...gentle } };
      const result = restored(at(e1.maxmemory, 2_200_000), onTheWay);
      expect(sent(result)).toEqual([['maxmemory', '2090000']]);
      expect(rememberedBy(result)?.originals).toEqual(onTheWay.originals);
    });

    test('keeps a replica one step below what it has: its primary throws out', () => {
      const replica = { ...seen(at('2090000', 2_200_000)), role: 'Replica' } as const;
      const back = (used: number) =>
        restore({
          unit: unitWith(),
          observed: { ...replica, server: { ...replica.server, usedMemoryBytes: used } },
          memory: rememberedBy(first),
          now: 0,
        });
      expect(sent(back(2_200_000))).toEqual([]);
      expect(sent(back(2_150_000))).toEqual([['maxmemory', '2042500']]);
    });
  });

  test('does not make writes fail: an old limit below what is in use stays away where nothing may be evicted', () => {
    const remembered = { ...memory, originals: { ...originals, maxmemory: '1000' } };
    const result = restored({ config: e1, usedMemoryBytes: 1001 }, remembered);
    expect(sent(result)).toEqual([['save', '']]);
    expect(result.condition).toMatchObject({ status: 'False', reason: 'NothingToEvict' });
    expect(restored({ config: e1, usedMemoryBytes: 1000 }, remembered).condition.reason).toBe('Applied');
  });
});
