import { describe, expect, test } from '@jest/globals';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { redisAddress } from '../../operator/levers/redis/address.ts';
import { createKeySearches } from '../../operator/levers/redis/big-keys.ts';
import { connectRedis } from '../../operator/levers/redis/connect.ts';
import { parseInfo } from '../../operator/levers/redis/info.ts';
import { eventually } from '../world/eventually.ts';

const defaults = { interval: '15m', maxDuration: '5s', top: 10, minSize: '1Mi' };

/** One server as the lever's visits see it. */
function visits(server: RedisServer, wanted: Partial<typeof defaults> = {}, user = '') {
  const searches = createKeySearches();
  return async (serverId = 'run-1', isAsked = false) => {
    const signal = AbortSignal.timeout(30_000);
    const uri = Buffer.from(`redis://${user}127.0.0.1:${server.port}`);
    await using redis = await connectRedis(redisAddress({ uri }, { namespace: 'ai', name: 'redis' }), signal);
    const keys = Number(await server.command('DBSIZE'));
    return await searches.look(redis, { serverId, keys, isAsked }, { ...defaults, ...wanted }, signal);
  };
}

/** `count` strings of `bytes` each, the name of the first `<prefix>1`. */
const fill = (server: RedisServer, prefix: string, count: number, bytes: number) =>
  server.command(
    'EVAL',
    "for i = 1, ARGV[2] do redis.call('SET', ARGV[1] .. i, string.rep('x', ARGV[3])) end",
    '0',
    prefix,
    String(count),
    String(bytes),
  );

const statistics = async (server: RedisServer) => {
  const info = parseInfo(String(await server.command('INFO')));
  return { hits: info.get('keyspace_hits'), misses: info.get('keyspace_misses') };
};

/** What was refused so far: the server counts what comes again in one entry, whose first pair is its count. */
async function denials(server: RedisServer): Promise<number> {
  const entries = (await server.command('ACL', 'LOG')) as readonly (readonly [string, number])[];
  return entries.reduce((sum, [, count]) => sum + count, 0);
}

describe.each(await availableRedisVersions())('the big keys of Redis %s', (version) => {
  test('are found by size, with nothing of what is in them, and count as nobody’s look-ups', async () => {
    await using server = await startRedis({ version });
    await fill(server, 'small:', 1_000, 100);
    await fill(server, 'big:', 3, 2 ** 20);
    const long = `long:${'n'.repeat(200)}`;
    await server.command('SET', long, 'x'.repeat(3 * 2 ** 20));
    await server.command(
      'HSET',
      'hash\r\nwith a line',
      ...Array.from({ length: 2_000 }, (_, i) => [`f${i}`, 'v'.repeat(1_000)]).flat(),
    );
    const before = await statistics(server);
    const visit = visits(server, { maxDuration: '1m' }); // as many visits as a slow machine needs

    expect(await visit()).toEqual({ state: 'Unknown', why: 'the search begins at the next visit' });
    const found = await eventually(async () => {
      const seen = await visit();
      expect(seen).toMatchObject({ state: 'Known', scanned: 1_005, total: 1_005 });
      return seen;
    });

    if (found.state !== 'Known') throw new Error(found.why);
    expect(found.keys.map(({ name }) => name)).toEqual([
      `long:${'n'.repeat(59)}…`,
      'hash??with a line',
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^big:[123]$/)),
    ]);
    expect(found.largestBytes).toBe(await server.command('MEMORY', 'USAGE', long));
    expect(await statistics(server)).toEqual(before);
  });

  test('are searched for so long and no longer; the next round goes on where the last one ended', async () => {
    await using server = await startRedis({ version });
    await fill(server, 'key:', 5_000, 10);
    const visit = visits(server, { maxDuration: '1ms', interval: '1ms', minSize: '1', top: 3 });
    await visit();
    const scanned: number[] = [];
    while ((scanned.at(-1) ?? 0) < 5_000 && scanned.length < 500) {
      const found = await visit();
      if (found.state !== 'Known') throw new Error(found.why);
      expect(found.keys).toHaveLength(3);
      scanned.push(found.scanned);
    }
    expect(scanned.length).toBeGreaterThan(5); // a round of 1 ms ends after some hundred keys
    expect(scanned).toEqual(scanned.toSorted((a, b) => a - b));
    expect(scanned.at(-1)).toBeLessThan(5_500); // each key once: SCAN goes on, it does not begin anew
  });

  test('are searched once in an interval, and anew in a new process', async () => {
    await using server = await startRedis({ version });
    await fill(server, 'key:', 10, 10);
    const visit = visits(server);
    await visit();
    expect(await visit()).toMatchObject({ scanned: 10 });
    await fill(server, 'more:', 10, 10);
    expect(await visit()).toMatchObject({ scanned: 10, total: 20 });
    expect(await visit('run-2')).toMatchObject({ state: 'Unknown' });
    expect(await visit('run-2')).toMatchObject({ scanned: 20 });
    expect(await visit('run-3', true)).toMatchObject({ scanned: 20 }); // who asks comes once
  });

  test('of a server that has more than twice the keys since are searched at once, and not told of the few', async () => {
    await using server = await startRedis({ version });
    const visit = visits(server, { maxDuration: '1ms' });
    await visit();
    expect(await visit()).toMatchObject({ keys: [], scanned: 0, total: 0 });

    await fill(server, 'big:', 1, 2 ** 20);
    await fill(server, 'key:', 4_999, 10);
    const seen = await visit();
    expect(seen).toMatchObject({ state: 'Known', total: 5_000, scanned: expect.any(Number) });
    if (seen.state !== 'Known') throw new Error(seen.why);
    expect(seen.scanned).toBeGreaterThan(0); // of the walk that has begun, not of the empty server
    expect(await visit()).toMatchObject({ scanned: seen.scanned }); // a round in each interval all the same

    const once = visits(server, { maxDuration: '1m' });
    await once();
    const all = await eventually(async () => {
      const found = await once();
      expect(found).toMatchObject({ scanned: 5_000 });
      return found;
    });
    expect(all).toMatchObject({ keys: [{ name: 'big:1' }] });
  });

  test('are not known where the user may not search, with what to grant, and it is asked once in an interval', async () => {
    const user = 'genops reset on >password +ping +info +config|get +client|setname +scan';
    await using server = await startRedis({ version, aclFile: `user default on nopass ~* &* +@all\nuser ${user}\n` });
    await fill(server, 'key:', 10, 10);
    const visit = visits(server, {}, 'genops:password@');
    await visit();
    const why = expect.stringMatching(/^saw "NOPERM .*"; wanted SCAN and MEMORY USAGE; next: grant \+scan/);
    expect(await visit()).toEqual({ state: 'Unknown', why });
    const denied = await denials(server);
    expect(await visit()).toEqual({ state: 'Unknown', why });
    expect(await denials(server)).toBe(denied);
  });

  test('are not searched where the policy says 0s', async () => {
    await using server = await startRedis({ version });
    await fill(server, 'key:', 10, 10);
    const visit = visits(server, { interval: '0s' });
    for (let visited = 0; visited < 3; visited += 1)
      expect(await visit()).toEqual({ state: 'Unknown', why: 'redis.monitoring.bigKeys.interval is 0s' });
    const calls = String(await server.command('INFO', 'commandstats'));
    expect(calls).not.toMatch(/cmdstat_scan/);
  });
});
