import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import type { NodeMemory } from '../../../../operator/levers/redis/node-memory.ts';
import { e1, planned, type Seen } from './observations.ts';

const gib = 2 ** 30;

/** With `e1`, a limit of 1 GiB; of 100 keys so many have an expiry. */
const using = (share: number, expiring = 0): Seen => ({
  config: e1,
  usedMemoryBytes: Math.floor(gib * share),
  keys: { keys: 100, withoutExpiry: 100 - expiring },
});

const sent = (result: ReturnType<typeof planned>) =>
  result.changes.flatMap(({ differences }) => differences.map(({ field, to }) => `${field} ${to}`));

const noeviction = { evictionPolicy: 'noeviction' };
const had: NodeMemory = { applied: { 'maxmemory-policy': 'noeviction' }, originals: {}, serverRun: 'run-1' };

describe('a switch to a policy that can evict too little', () => {
  test.each<{ name: string; server: Seen; redis: PolicySpec['redis']; memory?: NodeMemory; reason: string }>([
    {
      name: 'to noeviction above nine tenths of the limit',
      server: using(0.91),
      redis: noeviction,
      reason: 'NothingToEvict',
    },
    { name: 'to noeviction at nine tenths of it', server: using(0.9), redis: noeviction, reason: 'Applied' },
    {
      name: 'to volatile-lru, and no key has an expiry',
      server: using(0.99),
      redis: { evictionPolicy: 'volatile-lru' },
      reason: 'NothingToEvict',
    },
    {
      name: 'to volatile-lru, and every tenth key has one (9.9 % may go, 9 % have to)',
      server: using(0.99, 10),
      redis: { evictionPolicy: 'volatile-lru' },
      reason: 'Applied',
    },
    {
      name: 'from one that can evict no more',
      server: { ...using(0.99), config: { ...e1, 'maxmemory-policy': 'volatile-lru' } },
      redis: noeviction,
      reason: 'NearlyFull',
    },
    {
      name: 'with the guard off',
      server: using(0.99),
      redis: { ...noeviction, evictionGuard: 'Off' },
      reason: 'NearlyFull',
    },
    {
      name: 'back to what was in force before somebody changed it',
      server: using(0.99),
      redis: noeviction,
      memory: had,
      reason: 'NearlyFull',
    },
    {
      name: 'to what was only intended (a kill)',
      server: using(0.99),
      redis: noeviction,
      memory: { ...had, unconfirmed: ['maxmemory-policy'] },
      reason: 'NothingToEvict',
    },
    {
      name: 'with a limit that rises to more than enough',
      server: using(0.99),
      redis: { ...noeviction, maxMemory: '2Gi' },
      reason: 'Applied',
    },
    {
      name: 'with a limit for which the container has no room',
      server: { ...using(0.99), memoryLimitBytes: 2 * gib },
      redis: { ...noeviction, maxMemory: '2Gi' },
      reason: 'NothingToEvict',
    },
    { name: 'without a limit', server: using(0.99), redis: { ...noeviction, maxMemory: '0' }, reason: 'Applied' },
  ])('$name: $reason', ({ server, redis, memory, reason }) => {
    const result = planned(server, redis, {}, memory);
    const isHeld = reason === 'NothingToEvict';
    expect(result.condition).toMatchObject({ status: isHeld ? 'False' : 'True', reason });
    expect(/saw more than (?:85|90) % of maxmemory/.test(result.condition.message)).toBe(reason !== 'Applied');
    expect(sent(result).some((text) => text.startsWith('maxmemory-policy'))).toBe(!isHeld);
  });

  test('says what was seen, and how to have it all the same', () => {
    expect(planned(using(0.99), noeviction).condition).toEqual({
      status: 'False',
      reason: 'NothingToEvict',
      message:
        'maxmemory-policy of cache: saw more than 90 % of maxmemory 1024Mi in use and maxmemory-policy allkeys-lru; wanted noeviction, which can evict too little of it: soon every write would fail; next: raise redis.maxMemory, delete data, or set redis.evictionGuard: Off',
    });
  });

  test('keeps a lower limit back too, which is declared with it', () => {
    const result = planned(using(0.8), { ...noeviction, maxMemory: '800Mi' });
    expect(sent(result)).toEqual([]);
    expect(result.condition).toMatchObject({
      reason: 'NothingToEvict',
      message: expect.stringContaining('wanted maxmemory 800Mi, which waits for the eviction policy'),
    });
  });
});

describe('a limit below what is in use, of which nothing may go', () => {
  test('is told with a figure that is more than the limit', () => {
    const config = { ...e1, 'maxmemory-policy': 'noeviction', maxmemory: '0' };
    const { condition } = planned({ ...using(1.004), config }, noeviction);
    expect(condition).toMatchObject({
      reason: 'NothingToEvict',
      message: expect.stringContaining('saw more than 1024Mi in use and an eviction policy (noeviction)'),
    });
  });
});

describe('a server of which nothing may go', () => {
  const of = (share: number, role: 'Primary' | 'Replica' = 'Primary', before?: NodeMemory) =>
    planned({ ...using(share), config: { ...e1, 'maxmemory-policy': 'noeviction' } }, noeviction, {}, before, role);
  const told: NodeMemory = { ...had, nearlyFull: true };
  test.each<[string, ReturnType<typeof of>, string]>([
    ['says that it is nearly full while every setting is in force', of(0.91), 'NearlyFull'],
    ['does not at nine tenths of the limit', of(0.9), 'Applied'],
    ['still says it there where it did', of(0.9, 'Primary', told), 'NearlyFull'],
    ['still says it a little above 85 %', of(0.851, 'Primary', told), 'NearlyFull'],
    ['has room again at 85 %', of(0.85, 'Primary', told), 'Applied'],
  ])('%s', (_, result, reason) => {
    expect(result).toMatchObject({ changes: [], condition: { status: 'True', reason } });
    expect(result.remember?.nearlyFull).toBe(reason === 'NearlyFull' ? true : undefined);
  });
  test('says the same of one that goes up and down between two looks: equal states are equal bytes', () => {
    const first = of(0.91);
    const next = of(0.88, 'Primary', first.remember);
    expect(next.condition).toEqual(first.condition);
    expect(next.remember).toBeUndefined(); // nothing new to write down either
  });
  test('but a replica, which has what its primary has', () => {
    expect(of(0.99, 'Replica').condition.reason).toBe('Applied');
  });
});
