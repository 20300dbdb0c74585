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

  test('does not make writes fail: an old limit below what is in use stays away where nothing may be evicted', () => {
    const remembered = { ...memory, originals: { ...originals, maxmemory: '1000' } };
    const result = restored({ config: e1, usedMemoryBytes: 1001 }, remembered);
    expect(sent(result)).toEqual([['save', '']]);
    expect(result.condition).toMatchObject({ status: 'False', reason: 'NothingToEvict' });
    expect(restored({ config: e1, usedMemoryBytes: 1000 }, remembered).condition.reason).toBe('Applied');
  });
});
