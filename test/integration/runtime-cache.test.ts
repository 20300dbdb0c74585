import { describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { startRedis } from '../../hack/servers/redis.ts';
import { openCache, type Cache, type CacheOptions } from '../../operator/runtime/cache.ts';
import { defaultSettings } from '../../operator/runtime/default-settings.ts';
import { createSettings } from '../../operator/runtime/settings.ts';
import { consistently, eventually } from '../world/eventually.ts';
import { source, trackedCache } from './cache-world.ts';
import { withholdingProxy } from './withholding-proxy.ts';

/** How long a cache, in ms, takes itself for told of deletions. */
async function silenceOf(cache: Cache): Promise<number> {
  const from = performance.now();
  while (cache.isTracked && performance.now() - from < 10_000) await pause(10);
  return performance.now() - from;
}

describe('the cache of two levels', () => {
  test('loads once for all who ask, keeps it in Redis for an hour less a tenth at most, and in memory', async () => {
    await using redis = await startRedis();
    const lookups: string[] = [];
    const settings = createSettings(defaultSettings);
    const onLookup: CacheOptions['onLookup'] = (level, result) => lookups.push(`${level} ${result}`);
    await using cache = await trackedCache(redis, { onLookup }, settings);
    const origin = source();
    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.get('a', origin.load)));
    expect(origin.loads).toBe(1);
    expect(new Set(answers.map(({ from }) => from))).toEqual(new Set(['loader']));
    expect(answers[0]?.value).toEqual({ text: 'loaded' });
    expect((await cache.get('a', origin.load)).from).toBe('l1');
    const ttl = Number(await redis.command('PTTL', 'cache:a'));
    expect(ttl).toBeGreaterThan(3_230_000);
    expect(ttl).toBeLessThanOrEqual(3_600_000);
    expect(lookups.filter((one) => one.startsWith('l2'))).toEqual(['l2 miss']);
    settings.set({ ...defaultSettings, cache: { ...defaultSettings.cache, l2: { ttlMs: 60_000 } } });
    await cache.get('b', origin.load);
    expect(Number(await redis.command('PTTL', 'cache:b'))).toBeLessThanOrEqual(60_000);
  });

  test('takes what another process has loaded, and has it in memory from then on', async () => {
    await using redis = await startRedis();
    await using first = await trackedCache(redis);
    await using second = await trackedCache(redis);
    const origin = source();
    await first.get('a', origin.load);
    expect((await second.get('a', origin.load)).from).toBe('l2');
    await eventually(async () => expect((await second.get('a', origin.load)).from).toBe('l1')); // that the first has set it may be heard of late
    expect(origin.loads).toBe(1);
  });

  test('no longer has in memory what was deleted elsewhere, by whomever, within 100 ms', async () => {
    await using redis = await startRedis();
    await using first = await trackedCache(redis);
    await using second = await trackedCache(redis);
    const origin = source();
    await first.get('a', origin.load);
    const isThere = () => eventually(async () => expect((await second.get('a', origin.load)).from).toBe('l1'));
    await isThere();
    const gone = async (deleted: Promise<unknown>): Promise<number> => {
      await deleted;
      const from = performance.now();
      while (second.entries > 0 && performance.now() - from < 5_000) await nextTurn(); // `eventually` looks too seldom
      return performance.now() - from;
    };
    expect(await gone(first.delete('a'))).toBeLessThan(100);
    await isThere();
    expect(await gone(redis.command('DEL', 'cache:a'))).toBeLessThan(100);
    await isThere();
    expect(await gone(redis.command('FLUSHALL'))).toBeLessThan(100);
  });

  test('does not keep what was deleted while it was loaded, here or elsewhere', async () => {
    await using redis = await startRedis();
    await using first = await trackedCache(redis);
    await using second = await trackedCache(redis);
    const { promise, resolve } = Promise.withResolvers<string>();
    const old = second.get('a', () => promise);
    await eventually(async () => expect(await redis.command('INFO', 'stats')).toContain('keyspace_misses:1'));
    await first.delete('a');
    await eventually(async () => expect(await redis.command('INFO', 'commandstats')).toContain('cmdstat_del'));
    await second.get('other', () => Promise.resolve(1)); // what was said before this answer has arrived
    resolve('old');
    expect(await old).toEqual({ value: 'old', from: 'loader' });
    expect(await redis.command('EXISTS', 'cache:a')).toBe(0);
    expect((await second.get('a', () => Promise.resolve('new'))).value).toBe('new');
  });

  test('remembers for a moment that there is nothing', async () => {
    await using redis = await startRedis();
    await using cache = await trackedCache(redis);
    let loads = 0;
    const nothing = () => {
      loads += 1;
      return Promise.resolve(undefined);
    };
    expect(await cache.get('none', nothing)).toEqual({ value: undefined, from: 'loader' });
    expect(await cache.get('none', nothing)).toEqual({ value: undefined, from: 'l1' });
    expect(loads).toBe(1);
    expect(Number(await redis.command('PTTL', 'cache:none'))).toBeLessThanOrEqual(10_000);
  });

  test('loads without Redis, while it hangs and while it is away, and is whole again when it is back', async () => {
    await using redis = await startRedis();
    const errors: Error[] = [];
    await using cache = await trackedCache(redis, { onError: (error) => errors.push(error) });
    const origin = source();
    await cache.get('a', origin.load);
    redis.freeze();
    const hung = performance.now();
    expect((await cache.get('b', origin.load)).from).toBe('loader');
    expect(performance.now() - hung).toBeLessThan(2_000);
    expect(cache.isTracked).toBe(false); // nobody would tell of a deletion
    redis.thaw();
    await eventually(() => expect(cache.isTracked).toBe(true));
    await redis.kill();
    await eventually(() => expect(cache.isTracked).toBe(false));
    expect((await cache.get('c', origin.load)).from).toBe('loader');
    expect((await cache.get('c', origin.load)).from).toBe('l1'); // for a second
    expect(errors.length).toBeGreaterThan(0);
    await redis.restart();
    await eventually(() => expect(cache.isTracked).toBe(true));
    await cache.get('d', origin.load);
    expect(await redis.command('EXISTS', 'cache:d')).toBe(1);
  });

  test('serves nothing from memory 1.5 s after Redis hangs, though nobody asks it for anything', async () => {
    await using redis = await startRedis();
    await using cache = await trackedCache(redis);
    const origin = source();
    await cache.get('a', origin.load);
    expect((await cache.get('a', origin.load)).from).toBe('l1');
    redis.freeze();
    const silence = await silenceOf(cache);
    const { from } = await cache.get('a', origin.load);
    redis.thaw();
    expect(silence).toBeLessThan(1_500);
    expect(from).toBe('loader');
    await eventually(() => expect(cache.isTracked).toBe(true));
  });

  test('no longer serves what was deleted elsewhere 1.5 s after the connection that hears of it is cut without a word', async () => {
    await using redis = await startRedis();
    await using proxy = await withholdingProxy(() => connect(redis.port, '127.0.0.1'));
    await using cache = await trackedCache({ ...redis, port: proxy.port });
    await cache.get('a', source().load);
    proxy.arm('*2\r\n$4\r\nping', 'Request'); // the listener's has a word with it
    await proxy.lost;
    const silence = silenceOf(cache);
    await redis.command('DEL', 'cache:a'); // said to nobody
    expect(await silence).toBeLessThan(1_500);
    expect((await cache.get('a', () => Promise.resolve('new'))).value).toBe('new');
    await eventually(() => expect(cache.isTracked).toBe(true)); // on a new connection
  });

  test('does not take Redis for silent when it is the process itself that stood still', async () => {
    await using redis = await startRedis();
    await using proxy = await withholdingProxy(() => connect(redis.port, '127.0.0.1'));
    await using cache = await trackedCache({ ...redis, port: proxy.port });
    proxy.arm('*2\r\n$4\r\nping', async () => {
      for (const from = performance.now(); performance.now() - from < 900;); // as a collection of a large heap does
    });
    await proxy.lost;
    await consistently(() => expect(cache.isTracked).toBe(true), { forMs: 600 });
  });

  test('asks on a new connection when the one that asks is cut without a word', async () => {
    await using redis = await startRedis();
    await using proxy = await withholdingProxy(() => connect(redis.port, '127.0.0.1'));
    await using cache = await trackedCache({ ...redis, port: proxy.port });
    proxy.arm('*1\r\n$4\r\nping', 'Request');
    await proxy.lost;
    expect(await silenceOf(cache)).toBeLessThan(1_500);
    await eventually(() => expect(cache.isTracked).toBe(true));
    await cache.get('a', source().load);
    expect(await redis.command('EXISTS', 'cache:a')).toBe(1);
  });

  test.each([() => 1, Symbol('one')])('keeps in memory alone a value that is %p, and says so', async (value) => {
    await using redis = await startRedis();
    const errors: string[] = [];
    await using cache = await trackedCache(redis, { onError: ({ message }) => errors.push(message) });
    expect(await cache.get('a', () => Promise.resolve(value))).toEqual({ value, from: 'loader' });
    expect(await cache.get('a', source().load)).toEqual({ value, from: 'l1' });
    expect(errors).toEqual([expect.stringContaining('saw a value of cache:a that JSON cannot hold')]);
    await using other = await trackedCache(redis);
    expect((await other.get('a', source().load)).from).toBe('loader');
  });

  test('keeps in memory alone what JSON cannot hold, says so, and forgets nothing else', async () => {
    await using redis = await startRedis();
    const errors: string[] = [];
    await using cache = await trackedCache(redis, { onError: ({ message }) => errors.push(message) });
    const origin = source();
    await cache.get('a', origin.load);
    expect(await cache.get('b', () => Promise.resolve({ n: 1n }))).toEqual({ value: { n: 1n }, from: 'loader' });
    expect(cache.isTracked).toBe(true);
    expect((await cache.get('a', origin.load)).from).toBe('l1');
    expect((await cache.get('b', origin.load)).from).toBe('l1');
    expect(errors).toEqual([expect.stringContaining('saw a value of cache:b that JSON cannot hold')]);
    await using other = await trackedCache(redis);
    expect((await other.get('b', origin.load)).from).toBe('loader');
  });

  test('says so when it could not delete everywhere, and deletes from a Redis that takes nothing any more', async () => {
    await using redis = await startRedis();
    await using cache = await trackedCache(redis);
    const origin = source();
    await cache.get('a', origin.load);
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    await cache.get('b', origin.load); // kept here alone
    expect(cache.isTracked).toBe(true); // a refusal is an answer
    await cache.delete('a');
    expect(await redis.command('EXISTS', 'cache:a')).toBe(0);
    redis.freeze();
    await expect(cache.delete('b')).rejects.toThrow('timed out');
    expect(cache.entries).toBe(0);
    redis.thaw();
  });

  test('no longer serves what another has deleted, though a full Redis never had it, and fails where it may not say so', async () => {
    await using redis = await startRedis();
    await using first = await trackedCache(redis);
    await using second = await trackedCache(redis);
    await using others = await trackedCache(redis, { prefix: 'other:' });
    const origin = source();
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    for (const cache of [second, others]) for (const key of ['a', 'b']) await cache.get(key, origin.load);
    await first.delete('a');
    await eventually(() => expect(second.entries).toBe(1));
    expect((await second.get('b', origin.load)).from).toBe('l1'); // just that key
    expect(others.entries).toBe(2);
    await redis.command('ACL', 'SETUSER', 'default', '-publish');
    await expect(first.delete('b')).rejects.toThrow('NOPERM');
    expect([first.isTracked, second.isTracked]).toEqual([true, true]);
  });

  test('throws what the source throws, to each who asked, and asks it again next time', async () => {
    await using cache = openCache(createSettings(defaultSettings));
    const broken = () => Promise.reject(new Error('broken'));
    const answers = await Promise.allSettled([cache.get('a', broken), cache.get('a', broken)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.get('a', () => Promise.resolve(1))).toEqual({ value: 1, from: 'loader' });
  });

  test('lets one who gives up go without taking the load from the others', async () => {
    await using cache = openCache(createSettings(defaultSettings));
    const { promise, resolve } = Promise.withResolvers<number>();
    const impatient = new AbortController();
    const left = cache.get('a', () => promise, impatient.signal);
    const stayed = cache.get('a', () => promise);
    impatient.abort(new Error('too late'));
    await expect(left).rejects.toThrow('too late');
    resolve(1);
    expect(await stayed).toEqual({ value: 1, from: 'loader' });
  });

  test('has a new size at once, keeping what was read last, and nothing with a size of 0', async () => {
    const l1 = (entries: number) => ({
      ...defaultSettings,
      cache: { ...defaultSettings.cache, l1: { ...defaultSettings.cache.l1, entries } },
    });
    const settings = createSettings(l1(100));
    await using cache = openCache(settings);
    for (let key = 0; key < 150; key += 1) await cache.get(String(key), () => Promise.resolve(key));
    expect(cache.entries).toBe(100);
    settings.set(l1(10));
    expect(cache.entries).toBe(10);
    expect((await cache.get('149', () => Promise.resolve(0))).from).toBe('l1');
    settings.set(l1(0));
    expect(cache.entries).toBe(0);
    expect((await cache.get('149', () => Promise.resolve(0))).from).toBe('loader');
  });
});
