import { describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { openCache } from '../../operator/runtime/cache.ts';
import { defaultSettings } from '../../operator/runtime/default-settings.ts';
import { createSettings } from '../../operator/runtime/settings.ts';
import { eventually } from '../world/eventually.ts';
import { source, trackedCache } from './cache-world.ts';

/** A cache that nobody tells anything. */
async function untrackedCache(redis: RedisServer) {
  await redis.command('ACL', 'SETUSER', 'deaf', 'on', '>secret', '~*', '&*', '+@all', '-client|tracking');
  const failed = Promise.withResolvers<Error>();
  const address = { host: '127.0.0.1', port: redis.port, username: 'deaf', password: 'secret' };
  const cache = openCache(createSettings(defaultSettings), { redis: address, onError: failed.resolve });
  expect((await failed.promise).message).toContain('NOPERM');
  return cache;
}

describe('what is loaded while it is deleted elsewhere', () => {
  const late = () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const load = () => {
      begun.resolve();
      return promise;
    };
    return { load, begun: begun.promise, resolve };
  };
  const fresh = () => Promise.resolve('new');

  test('is not in Redis afterwards where the process that loads hears of no deletions, and what it loads undisturbed is', async () => {
    await using redis = await startRedis();
    await using first = await trackedCache(redis);
    await using deaf = await untrackedCache(redis);
    const ways = {
      a: () => first.delete('a'),
      b: () => redis.command('DEL', 'cache:b'),
      c: () => redis.command('FLUSHALL'),
    };
    for (const [key, remove] of Object.entries(ways)) {
      const { load, begun, resolve } = late();
      const old = deaf.get(key, load);
      await begun;
      await remove();
      resolve('old');
      expect(await old).toEqual({ value: 'old', from: 'loader' });
      expect(await redis.command('EXISTS', `cache:${key}`)).toBe(0);
      expect(await deaf.get(key, fresh)).toEqual({ value: 'new', from: 'loader' }); // not in memory either
    }
    await deaf.get('d', fresh);
    expect(await first.get('d', source().load)).toEqual({ value: 'new', from: 'l2' });
  });

  test('is not in Redis afterwards where somebody else has begun to load it anew meanwhile, whoever ends first', async () => {
    await using redis = await startRedis();
    await using deaf = await untrackedCache(redis);
    await using first = await trackedCache(redis);
    for (const isOldFirst of [true, false]) {
      const [before, after] = [late(), late()];
      const old = deaf.get('a', before.load);
      await before.begun;
      await redis.command('DEL', 'cache:a');
      const anew = first.get('a', after.load);
      await after.begun;
      const answers = [() => (before.resolve('old'), old), () => (after.resolve('new'), anew)];
      for (const answer of isOldFirst ? answers : answers.toReversed()) await answer();
      expect(await redis.command('GET', 'cache:a')).toBe('{"value":"new"}');
      await redis.command('DEL', 'cache:a');
    }
  });

  test('is nowhere afterwards where the connection that hears of deletions is cut before', async () => {
    await using redis = await startRedis();
    await using first = await trackedCache(redis);
    await using second = await trackedCache(redis);
    await using stack = new AsyncDisposableStack();
    const hand = stack.adopt(new Redis({ host: '127.0.0.1', port: redis.port }), (one) => one.disconnect());
    for (let turn = 0; turn < 10; turn += 1) {
      await eventually(() => expect([first.isTracked, second.isTracked]).toEqual([true, true]));
      await second.get('a', async () => {
        await hand.pipeline().call('CLIENT', 'KILL', 'TYPE', 'pubsub').del('cache:a').exec();
        return 'old';
      });
      expect(await redis.command('EXISTS', 'cache:a')).toBe(0);
      expect((await second.get('a', fresh)).value).toBe('new');
      await redis.command('DEL', 'cache:a');
    }
  });

  test('is not in Redis afterwards where the deletion is heard of later than the load ends', async () => {
    await using redis = await startRedis();
    await using first = await trackedCache(redis);
    await using second = await trackedCache(redis);
    for (let turn = 0; turn < 100; turn += 1) {
      await second.get('a', async () => {
        await redis.command('DEL', 'cache:a'); // its answer and what is said of it come by different ways
        return 'old';
      });
      expect(await redis.command('EXISTS', 'cache:a')).toBe(0);
      await first.delete('a');
    }
  });

  test('is loaded by several at once, written by who ends first, and found by the next, a failure aside', async () => {
    await using redis = await startRedis();
    await using first = await trackedCache(redis);
    await using second = await trackedCache(redis);
    await using third = await trackedCache(redis);
    const [slow, quick] = [late(), late()];
    const slowly = first.get('a', slow.load);
    await slow.begun;
    await expect(third.get('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    const quickly = second.get('a', quick.load);
    await quick.begun;
    quick.resolve('of the second');
    await quickly;
    slow.resolve('of the first');
    await slowly;
    expect(await redis.command('GET', 'cache:a')).toBe('{"value":"of the second"}');
    for (const cache of [first, third])
      expect(await cache.get('a', source().load)).toEqual({ value: 'of the second', from: 'l2' });
  });

  test('costs Redis no look-up that it counts: a load is one miss', async () => {
    await using redis = await startRedis();
    await using cache = await trackedCache(redis);
    for (const key of ['a', 'b', 'c']) await cache.get(key, source().load);
    const stats = await redis.command('INFO', 'stats');
    expect(stats).toContain('keyspace_hits:0');
    expect(stats).toContain('keyspace_misses:3');
    expect(await redis.command('DBSIZE')).toBe(3);
  });
});
