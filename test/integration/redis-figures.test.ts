import { describe, expect, test } from '@jest/globals';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { fragmentationOf } from '../../operator/decide/cache-server.ts';
import { hitRatio, type Lookups } from '../../operator/decide/hit-ratio.ts';
import { redis as redisLever } from '../../operator/levers/redis/lever.ts';
import { unitWith } from '../unit/levers/redis/observations.ts';
import { tuner } from './redis-tuner.ts';

const secretOf = ({ port }: RedisServer) => ({ uri: `redis://127.0.0.1:${port}` });

function lookedAt(server: RedisServer) {
  const readSecret = () => Promise.resolve({ uri: Buffer.from(secretOf(server).uri) });
  const lever = redisLever({ readSecret, memoryLimit: () => Promise.resolve(undefined) });
  return async () => {
    const observed = await lever.observe(unitWith(), AbortSignal.timeout(10_000));
    const figures = lever.cacheOf?.(observed);
    const [lookups] = lever.lookupsOf?.(observed) ?? [];
    if (figures === undefined || lookups === undefined) throw new Error('the server has answered');
    return { figures, lookups };
  };
}

async function look(server: RedisServer, hits: number, misses: number): Promise<void> {
  await server.command('SET', 'there', 'x');
  const gets =
    "for i = 1, ARGV[1] do redis.call('GET', 'there') end for i = 1, ARGV[2] do redis.call('GET', 'gone') end";
  await server.command('EVAL', gets, '0', String(hits), String(misses));
}

describe.each(await availableRedisVersions())('Redis %s', (version) => {
  test('tells its hit ratio as a rate, over a reset of its statistics and a restart', async () => {
    await using server = await startRedis({ version });
    const visit = lookedAt(server);
    const samples: Lookups[] = [];
    const note = async () => samples.push({ at: samples.length + 1, ...(await visit()).lookups });
    await look(server, 1_000, 0); // long ago
    await note();
    await look(server, 30, 10);
    await note();
    await server.command('CONFIG', 'RESETSTAT');
    await note();
    await look(server, 30, 10);
    await note();
    await server.restart();
    await note();
    await look(server, 30, 10);
    await note();
    expect(hitRatio(samples, 0)?.value).toBe(0.75); // 90 of 120
  });

  test('tells what was refused, thrown out and turned away', async () => {
    await using server = await startRedis({ version, config: { maxmemory: '3mb', maxclients: '20' } });
    const write = (name: string) => server.command('SET', name, 'x'.repeat(200_000));
    const refused = async () => {
      for (let index = 0; index < 50; index += 1) await write(`key:${index}`);
    };
    await expect(refused()).rejects.toThrow('OOM');
    await server.configSet('maxmemory-policy', 'allkeys-lru');
    for (let index = 50; index < 70; index += 1) await write(`key:${index}`);
    await server.command('SET', 'short', 'x', 'PX', '1');
    const { figures } = await lookedAt(server)();
    expect(figures).toMatchObject({
      writesRefused: 1,
      rejectedConnections: 0,
      maxMemoryBytes: 3 * 2 ** 20,
      evictionPolicy: 'allkeys-lru',
    });
    expect(figures.evictedKeys).toBeGreaterThan(5);
    expect(figures.allocatedBytes).toBeGreaterThanOrEqual(figures.usedMemoryBytes);
    expect(figures.residentBytes).toBeGreaterThan(2 ** 20);
  });
});

test('a server in pieces says so, and that its settings are in force; when it is whole again it is over', async () => {
  await using server = await startRedis({ version: '8.2', config: { 'maxmemory-policy': 'allkeys-lru' } });
  const { visit } = tuner({ secret: secretOf(server), policy: { maxMemory: '1Gi' } });
  expect(await visit()).not.toMatchObject({ reason: 'Fragmented' });
  const fill = "for i = ARGV[1], ARGV[1] + 49999 do redis.call('SET', 'key:' .. i, string.rep('x', 500)) end";
  const thin = "for i = ARGV[1], ARGV[1] + 49999 do if i % 2 == 0 then redis.call('DEL', 'key:' .. i) end end";
  for (let from = 0; from < 400_000; from += 50_000) await server.command('EVAL', fill, '0', String(from));
  for (let from = 0; from < 400_000; from += 50_000) await server.command('EVAL', thin, '0', String(from));

  const { figures } = await lookedAt(server)();
  expect(fragmentationOf(figures)).toBeGreaterThan(1.5);
  const visited = await visit();
  expect(visited).toMatchObject({ status: 'True', reason: 'Fragmented' });
  expect(visited.message).toContain('activedefrag');
  await server.command('FLUSHALL');
  expect(await visit()).not.toMatchObject({ reason: 'Fragmented' });
});

test('a server of which nothing may go says that it is nearly full above 90 % of its limit, and so until it is below 85 %', async () => {
  const limit = 20 * 2 ** 20;
  await using server = await startRedis({ version: '8.2' });
  const { visit } = tuner({
    secret: secretOf(server),
    policy: { maxMemory: String(limit), evictionPolicy: 'noeviction' },
  });
  await visit();
  const looked = lookedAt(server);
  const share = async () => (await looked()).figures.usedMemoryBytes / limit;
  let keys = 0;
  /** Within one key of 0.5 %. */
  const visitAt = async (wanted: number) => {
    while ((await share()) < wanted) await server.command('SET', `key:${(keys += 1)}`, 'x'.repeat(100_000));
    while ((await share()) > wanted + 0.01) await server.command('DEL', `key:${keys--}`);
    return visit();
  };

  expect(await visitAt(0.87)).toMatchObject({ status: 'True', reason: 'Applied' });
  const told = await visitAt(0.92);
  expect(told).toMatchObject({ status: 'True', reason: 'NearlyFull' });
  expect(await visitAt(0.87)).toMatchObject({ reason: 'NearlyFull', message: told.message });
  expect(await visitAt(0.92)).toMatchObject({ reason: 'NearlyFull', message: told.message });
  expect(await visitAt(0.82)).toMatchObject({ status: 'True', reason: 'Applied' });
  expect(await visitAt(0.87)).toMatchObject({ status: 'True', reason: 'Applied' });
});
