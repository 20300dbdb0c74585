import { describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { parseInfo } from '../../operator/levers/redis/info.ts';
import { eventually } from '../world/eventually.ts';
import { startReplication, type Node } from './redis-topologies.ts';
import { tuner } from './redis-tuner.ts';

/** Clients that write, and read what they wrote, without a pause, until they are told to stop. */
function clients({ port }: RedisServer, keys: number) {
  const errors: string[] = [];
  const over = new AbortController();
  let [commands, slowestMs] = [0, 0];
  const one = async (redis: Redis): Promise<void> => {
    while (!over.signal.aborted) {
      const name = `key:${Math.floor(Math.random() * keys)}`;
      const began = performance.now();
      try {
        await redis.set(name, 'y'.repeat(1_000));
        await redis.get(name);
      } catch (error) {
        errors.push(String(error));
      }
      commands += 1;
      slowestMs = Math.max(slowestMs, performance.now() - began);
    }
  };
  const connections = [1, 2].map(() => new Redis({ port, protocol: 2, retryStrategy: () => null }));
  const all = Promise.all(connections.map(one));
  const stop = async () => {
    over.abort();
    await all;
    for (const redis of connections) redis.disconnect();
    return { commands, slowestMs };
  };
  return { errors, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

const used = async (server: Pick<RedisServer, 'command'>): Promise<number> => {
  const info = parseInfo(String(await server.command('INFO', 'memory')));
  return Number(info.get('used_memory')) - Number(info.get('mem_not_counted_for_evict'));
};

/** So many fields take a server long to free at once, by whatever it does beside that. */
const fillHash = (server: RedisServer) =>
  server.command('EVAL', "for i = 1, ARGV[1] do redis.call('HSET', 'hash', 'f' .. i, 'v') end", '0', '300000');
/** Large objects that the server has freed beside its clients, since its start: what it frees in their way is not among them. */
const freedBeside = async (server: RedisServer): Promise<number> =>
  Number(parseInfo(String(await server.command('INFO', 'memory'))).get('lazyfreed_objects'));

const hasHash = async (server: RedisServer): Promise<boolean> => Number(await server.command('EXISTS', 'hash')) === 1;
/** Objects that are evicted, and whose memory is not given back yet. */
const freedLater = async (server: RedisServer): Promise<number> =>
  Number(parseInfo(String(await server.command('INFO', 'memory'))).get('lazyfree_pending_objects'));

/** Strings of 1000 bytes, `key:0` to `key:<count − 1>`. */
async function fill(server: Pick<RedisServer, 'command'>, count: number): Promise<void> {
  for (let from = 0; from < count; from += 10_000)
    await server.command(
      'EVAL',
      "for i = ARGV[1], ARGV[1] + 9999 do redis.call('SET', 'key:' .. i, string.rep('x', 1000)) end",
      '0',
      String(from),
    );
}

const everyKey = (what: string): readonly [string, string, string] => [
  'EVAL',
  `for i = 0, 19999 do redis.call(${what}) end`,
  '0',
];
const expireAll = (server: RedisServer) => server.command(...everyKey("'EXPIRE', 'key:' .. i, 10000"));
const persistAll = (server: RedisServer) => server.command(...everyKey("'PERSIST', 'key:' .. i"));

/** What the server said at last. */
async function writeUntilRefused(server: RedisServer): Promise<string> {
  for (let index = 0; index < 100; index += 1) {
    try {
      await server.command('SET', `new:${index}`, 'x'.repeat(100_000));
    } catch (error) {
      return String(error);
    }
  }
  return 'never refused';
}

const gentleNames = ['maxmemory-eviction-tenacity', 'lazyfree-lazy-eviction'] as const;
const configOf = async (server: RedisServer) => Promise.all(gentleNames.map((name) => server.configGet(name)));

describe.each(await availableRedisVersions())('maxmemory of Redis %s below what is in use', (version) => {
  const rough = {
    'maxmemory-policy': 'allkeys-lru',
    'maxmemory-eviction-tenacity': '100',
    'lazyfree-lazy-eviction': 'no',
  };

  test('comes down step by step under load, a large hash among the keys, and no write is refused and nobody is held up', async () => {
    await using server = await startRedis({ version, config: rough });
    await fill(server, 30_000);
    const target = Math.floor((await used(server)) * 0.5); // steps are left also when the hash goes first, and keys with it while its memory is given back
    await fillHash(server);
    const before = await used(server);
    const { visit } = tuner({
      secret: { uri: `redis://127.0.0.1:${server.port}` },
      policy: { maxMemory: String(target), evictionGuard: 'Off' }, // the hash may go
    });
    await using load = clients(server, 30_000);
    const began = performance.now();
    const now = () => (performance.now() - began) * 300; // five minutes a second: the load is judged by the time it takes
    const limits = new Set<number>();
    const steps: number[] = [];

    let [inUse, hadHash] = [before, true];
    let visited = await visit(0);
    while (visited.reason === 'Lowering' && steps.length < 300) {
      const limit = Number(await server.configGet('maxmemory'));
      limits.add(limit);
      if ((await hasHash(server)) === hadHash) steps.push(limit / inUse); // else less was in use than was just read
      expect(await configOf(server)).toEqual(['10', 'yes']);
      await eventually(async () => expect(await used(server)).toBeLessThan(limit * 1.01));
      hadHash = await hasHash(server);
      if (!hadHash) await eventually(async () => expect(await freedLater(server)).toBe(0));
      inUse = await used(server);
      visited = await visit(now());
    }
    const served = await load.stop();

    expect(visited).toMatchObject({ status: 'True', reason: 'Applied' });
    expect(Number(await server.configGet('maxmemory'))).toBe(target);
    expect(limits.size).toBeGreaterThan(4);
    for (const step of steps) expect(step).toBeGreaterThan(0.93); // 5 %, and what is written meanwhile
    expect(await hasHash(server)).toBe(false);
    expect(await freedBeside(server)).toBe(1); // the hash
    expect(served.commands).toBeGreaterThan(1_000);
    expect(load.errors).toEqual([]);
    expect(String(await server.command('INFO', 'errorstats'))).not.toContain('errorstat_OOM');
    await visit(10_000_000);
    expect(await configOf(server)).toEqual(['100', 'no']); // as it was before

    // The same hash in one go, on the same server with what it had set before, holds everybody up: what the steps are for.
    await server.configSet('maxmemory', '0');
    await fillHash(server);
    await server.configSet('maxmemory', String(5 * 2 ** 20)); // less than the hash alone
    await eventually(async () => expect(await hasHash(server)).toBe(false));
    expect(await freedLater(server)).toBe(0);
    expect(await freedBeside(server)).toBe(1);
  });

  test('is put back gently where a service goes, and what made it gentle once the keys are gone', async () => {
    const before = String(20 * 2 ** 20);
    await using server = await startRedis({ version, config: { ...rough, maxmemory: before } });
    const { visit, restore } = tuner({
      secret: { uri: `redis://127.0.0.1:${server.port}` },
      policy: { maxMemory: '1Gi' },
    });
    expect(await visit(0)).toMatchObject({ status: 'True', reason: 'Applied' });
    await fillHash(server); // older than the others: what goes last goes when nothing else is left to make room
    await fill(server, 30_000);
    await using load = clients(server, 30_000);

    const limits = new Set<string | undefined>();
    expect(await restore()).toMatchObject({ outcome: 'applied', status: 'False', reason: 'Lowering' });
    await eventually(async () => {
      limits.add(await server.configGet('maxmemory'));
      expect(await freedLater(server)).toBe(0); // as after the five seconds between two looks
      expect(await restore()).toMatchObject({ status: 'True', reason: 'Applied' });
    });
    const served = await load.stop();

    expect(limits.size).toBeGreaterThan(2); // the hash spares steps
    expect(await server.configGet('maxmemory')).toBe(before);
    expect(await hasHash(server)).toBe(false);
    expect(await freedBeside(server)).toBe(1); // the hash
    expect(served.commands).toBeGreaterThan(1_000);
    expect(load.errors).toEqual([]);
    expect(await configOf(server)).toEqual(['100', 'no']);
  });

  test('stops before a key that is a large part of what is to go, and evicts as it did before', async () => {
    await using server = await startRedis({ version, config: rough });
    await fill(server, 20_000);
    await eventually(async () => expect(await server.command('OBJECT', 'IDLETIME', 'key:0')).toBeGreaterThan(1));
    await server.command('SET', 'archive', 'x'.repeat(4 * 2 ** 20)); // the last to go
    const target = Math.floor((await used(server)) * 0.7);
    const options = {
      secret: { uri: `redis://127.0.0.1:${server.port}` },
      policy: { maxMemory: String(target), monitoring: { bigKeys: { maxDuration: '1m' } } },
    };
    // Who asks once searches at once, for a second: more than once only where that is too little for 20,000 keys.
    const { diff } = tuner(options);
    await eventually(async () => expect(await diff()).toMatchObject({ condition: { reason: 'BigKey' } }));
    const { visit } = tuner(options);
    expect(await visit(0)).toMatchObject({ reason: 'Lowering' }); // nobody has searched yet
    const limit = await server.configGet('maxmemory');
    await eventually(async () => expect(await visit(1_000)).toMatchObject({ outcome: 'applied', reason: 'BigKey' }));
    expect(await server.configGet('maxmemory')).toBe(limit);
    expect(await configOf(server)).toEqual(['100', 'no']);
    expect(await visit(60_000)).toMatchObject({ outcome: 'nothing', reason: 'BigKey' });
    expect(await server.command('STRLEN', 'archive')).toBe(4 * 2 ** 20);
  });

  test('goes back by a step when a write is refused, and says so', async () => {
    await using server = await startRedis({ version, config: { ...rough, 'maxmemory-policy': 'volatile-lru' } });
    await fill(server, 20_000);
    await expireAll(server);
    const target = Math.floor((await used(server)) * 0.5);
    const policy = { maxMemory: String(target), evictionPolicy: 'volatile-lru' };
    const { visit } = tuner({ secret: { uri: `redis://127.0.0.1:${server.port}` }, policy });
    expect(await visit(0)).toMatchObject({ reason: 'Lowering' });

    await persistAll(server); // from here on nothing may go any more
    await expect(writeUntilRefused(server)).resolves.toMatch('OOM');

    const stopped = await visit(30_000);
    expect(stopped).toMatchObject({ outcome: 'applied', status: 'False', reason: 'LoweringStopped' });
    expect(stopped.message).toContain('writes refused for want of memory');
    expect(await server.configGet('maxmemory')).toBe('0');
    expect(await server.command('SET', 'new', 'x')).toBe('OK');
    expect(await visit(60_000)).toMatchObject({ outcome: 'applied', fields: gentleNames.toSorted() }); // as they were
    expect(await configOf(server)).toEqual(['100', 'no']);
    expect(await visit(90_000)).toMatchObject({ outcome: 'nothing', reason: 'LoweringStopped' });
  });
});

test('the limit of a replica comes down with that of its primary, and it throws out what its primary does', async () => {
  await using stack = new AsyncDisposableStack();
  const { primary, replicas } = await startReplication(stack, { config: { 'maxmemory-policy': 'allkeys-lru' } }, 1);
  const [replica] = replicas as readonly [Node];
  await fill(primary, 30_000);
  await eventually(async () => expect(await replica.command('DBSIZE')).toBe(await primary.command('DBSIZE')));
  const target = Math.floor((await used(primary)) * 0.7);
  const { visit } = tuner({
    secret: { uri: `redis://127.0.0.1:${primary.port}` },
    policy: { maxMemory: String(target) },
  });

  let visited = await visit(0);
  for (let now = 30_000; visited.reason === 'Lowering' && now < 1_200_000; now += 30_000) {
    const limits = await Promise.all([primary, replica].map(async (node) => Number(await node.configGet('maxmemory'))));
    await eventually(async () => {
      expect(await used(primary)).toBeLessThan((limits[0] ?? 0) * 1.01);
      expect(await replica.command('DBSIZE')).toBe(await primary.command('DBSIZE'));
    });
    expect(limits[1]).toBeGreaterThan((await used(replica)) * 0.9); // never far below what it has
    visited = await visit(now);
  }

  expect(visited).toMatchObject({ status: 'True', reason: 'Applied' });
  for (const node of [primary, replica]) expect(Number(await node.configGet('maxmemory'))).toBe(target);
  expect(parseInfo(String(await replica.command('INFO', 'stats'))).get('evicted_keys')).toBe('0');
});
