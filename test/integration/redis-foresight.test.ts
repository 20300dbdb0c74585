import { describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { parseInfo } from '../../operator/levers/redis/info.ts';
import { eventually } from '../world/eventually.ts';
import { password, tuner } from './redis-tuner.ts';

const calls = async (server: RedisServer) => String(await server.command('INFO', 'commandstats'));
const samples = async (server: RedisServer) => /cmdstat_object.*?:calls=(\d+)/.exec(await calls(server))?.[1];
const infoOf = async (server: RedisServer) => parseInfo(String(await server.command('INFO')));
const used = async (server: RedisServer): Promise<number> => {
  const info = await infoOf(server);
  return Number(info.get('used_memory')) - Number(info.get('mem_not_counted_for_evict'));
};

const unusedSeconds = 60;

/** Strings of 500 bytes: the first 8,000 have just been used (or often), the others not for a minute (or never). The first so many have an expiry, which has nothing to do with that; an EXPIRE afterwards would make them look used. */
const fill = (server: RedisServer, keys: number, expiring = 0, by: 'IDLETIME' | 'FREQ' = 'IDLETIME') =>
  server.command(
    'EVAL',
    `redis.call('SET', 'one', string.rep('x', 500))
local one = redis.call('DUMP', 'one')
redis.call('DEL', 'one')
for i = 1, ARGV[1] do
  local expiry, use = 0, ARGV[4]
  if i <= tonumber(ARGV[2]) then expiry = 10000000 + i * 7919 % 20000 * 100 end
  if i > 8000 then use = ARGV[5] end
  redis.call('RESTORE', 'key:' .. i, expiry, one, ARGV[3], use)
end`,
    '0',
    String(keys),
    String(expiring),
    by,
    ...(by === 'FREQ' ? ['30', '1'] : ['0', String(unusedSeconds)]),
  );
const countedBy = (evictionPolicy: string) => (evictionPolicy.endsWith('-lfu') ? 'FREQ' : 'IDLETIME');

/** 20,000 of them, of which the first 8,000 are asked for. */
async function warm(server: RedisServer, expiring = 0, by: 'IDLETIME' | 'FREQ' = 'IDLETIME'): Promise<void> {
  await fill(server, 20_000, expiring, by);
  await get(server, 1, 8_000);
  await eventually(async () => expect(Number((await infoOf(server)).get('uptime_in_seconds'))).toBeGreaterThan(0)); // look-ups are reckoned by the second
}

/** As a client would: by single commands, since those of a script count for its own time alone. A hundred at a time: answers that wait to be read count against the limit, and throw keys out. */
async function get(server: RedisServer, from: number, to: number): Promise<void> {
  const redis = new Redis({ port: server.port, protocol: 2 });
  const names = Array.from({ length: to - from + 1 }, (_, index) => `key:${from + index}`);
  for (let at = 0; at < names.length; at += 100)
    await Promise.all(names.slice(at, at + 100).map((name) => redis.get(name)));
  redis.disconnect();
}

interface Costly {
  readonly evictionPolicy: string;
  readonly expiring: number;
  readonly which: string;
  /** % */
  readonly after: string;
  /** Of what is in use, that the limit is then; and % of the keys that go for it. */
  readonly share?: number;
  readonly gone?: string;
  /** Points. */
  readonly within?: number;
}

const config = { 'maxmemory-policy': 'allkeys-lru', 'maxmemory-samples': '10' };

describe.each(await availableRedisVersions())('a lower maxmemory of Redis %s', (version) => {
  test('is foreseen before it is made, goes on while it comes as foreseen, and stops when it does not', async () => {
    await using server = await startRedis({ version, config });
    await warm(server);
    const target = Math.floor((await used(server)) * 0.7);
    const options = { secret: { uri: `redis://127.0.0.1:${server.port}` }, policy: { maxMemory: String(target) } };

    const { visit: visitDry, cost } = tuner({ ...options, mode: 'DryRun' });
    const dry = await visitDry(0);
    expect(dry).toMatchObject({ outcome: 'nothing', reason: 'DryRun', cost: undefined });
    expect(await calls(server)).not.toContain('cmdstat_object'); // no step comes, and nobody has asked
    expect(dry.message).toMatch(new RegExp(`^Would change .*maxmemory 0 → ${target}\\b`)); // the same at each look
    expect(await cost()).toMatch(
      /^at maxmemory .* about (30|35|40) % of the keys would go, those that were not used for \d+ s or more; the hit ratio would come from 100 % to about (9[5-9]|100) %/,
    );
    expect(await server.configGet('maxmemory')).toBe('0');

    const { visit, cost: costNow } = tuner(options);
    const limits: (string | undefined)[] = [];
    const settled = () => eventually(async () => expect(await used(server)).toBeLessThan(Number(limits.at(-1)) * 1.01)); // clients' buffers too
    const step = async (now: number) => {
      const visited = await visit(now);
      limits.push(await server.configGet('maxmemory'));
      await settled();
      return visited;
    };
    expect(await step(0)).toMatchObject({ reason: 'Lowering' });
    await get(server, 1, 8_000);
    await settled();
    expect(await step(30_000)).toMatchObject({ reason: 'Lowering' });
    expect(limits[1]).not.toBe(limits[0]);
    const more = async () => {
      for (let times = 0; times < 2; times += 1) await get(server, 1, 20_000);
      await settled();
    };
    await more(); // from here on what is gone is asked for, five times as often as anything before
    expect((await visit(60_000)).message).toContain('less than half or more than twice as many look-ups');
    await more();
    const stopped = await visit(90_000);
    expect(stopped).toMatchObject({ reason: 'LoweringStopped' });
    expect(stopped.message).toMatch(/the hit ratio fall from 100 % to \d+ %, where (9[5-9]|100) % was foreseen/);
    expect(await server.configGet('maxmemory')).toBe(limits[1]);
    const told = await samples(server);
    expect(await visit(120_000)).toMatchObject({ reason: 'LoweringStopped' });
    expect(await samples(server)).toBe(told);
    expect(await costNow()).toMatch(/^at maxmemory .* of the keys would go/); // but who asks is told
  });

  test.each([
    'allkeys-lru',
    'volatile-lru', // asks each key for its expiry too
    'allkeys-lfu',
    'volatile-ttl',
  ])(
    'is asked for in a way that makes no key look used, and what it counts as look-ups is taken off: %s',
    async (evictionPolicy) => {
      await using server = await startRedis({ version, config: { ...config, 'maxmemory-policy': evictionPolicy } });
      await warm(server, 20_000, countedBy(evictionPolicy));
      const target = Math.floor((await used(server)) * 0.7);
      const { cost } = tuner({
        secret: { uri: `redis://127.0.0.1:${server.port}` },
        policy: { maxMemory: String(target), evictionPolicy },
      });
      await server.command('CONFIG', 'RESETSTAT');
      await get(server, 1, 1_000);
      await get(server, 20_001, 21_000); // there are none: 50 %
      const counted = async () => Number((await infoOf(server)).get('keyspace_hits'));
      const unused = async () => {
        const answer = Number(await server.command('OBJECT', countedBy(evictionPolicy), 'key:20000'));
        return evictionPolicy === 'allkeys-lfu' ? -answer : answer;
      };
      const before = await unused();
      for (let visited = 0; visited < 3; visited += 1)
        expect(await cost()).toContain('the hit ratio would come from 50 %');
      expect(await counted()).toBeGreaterThan(1_500); // the server took the samples for look-ups
      expect(await unused()).toBeGreaterThanOrEqual(before);
    },
  );

  test('is foreseen from what was asked within its time', async () => {
    await using server = await startRedis({ version, config });
    await fill(server, 2_000);
    const target = Math.floor((await used(server)) * 0.7);
    const options = { secret: { uri: `redis://127.0.0.1:${server.port}` }, policy: { maxMemory: String(target) } };
    await tuner({ ...options, sampleWithinMs: 0 }).cost();
    expect(Number(await samples(server))).toBeLessThan(300); // one step
    await tuner(options).cost();
    expect(Number(await samples(server))).toBeGreaterThanOrEqual(1_000);
  });

  test.each([
    { evictionPolicy: 'allkeys-lru', granted: '', missing: 'object|idletime' },
    { evictionPolicy: 'volatile-lru', granted: ' +object|idletime', missing: 'pttl' },
    { evictionPolicy: 'volatile-lfu', granted: ' +pttl', missing: 'object|freq' },
  ])(
    'is not foreseen by a user without $missing, who is told what to grant, and comes down all the same',
    async ({ evictionPolicy, granted, missing }) => {
      const keys = version === '6.2' ? '~*' : '%R~*';
      const grants = `${keys}${granted} +ping +info +config|get +config|set +client|setname +slowlog|get +scan +memory|usage`;
      const user = `genops reset on >${password} ${grants}`;
      await using server = await startRedis({
        version,
        config: { 'maxmemory-policy': evictionPolicy },
        aclFile: `user default on nopass ~* &* +@all\nuser ${user}\n`,
      });
      await fill(server, 2_000, 2_000, countedBy(evictionPolicy));
      const target = Math.floor((await used(server)) * 0.7);
      const options = {
        secret: { uri: `redis://genops:${password}@127.0.0.1:${server.port}` },
        policy: { maxMemory: String(target), evictionPolicy },
      };
      const cost = await tuner(options).cost();
      expect(cost).toMatch(/what maxmemory .* costs is not known: saw "NOPERM.*next: grant /);
      expect(cost?.split('next: grant ')[1]).toContain(`+${missing}`);
      expect(await tuner(options).visit()).toMatchObject({ outcome: 'applied', reason: 'Lowering' });
    },
  );

  test.each<Costly>([
    { evictionPolicy: 'allkeys-random', expiring: 0, which: 'any of them', after: '5[0-9]' },
    { evictionPolicy: 'volatile-random', expiring: 16_000, which: 'any of those with an expiry', after: '5[0-9]' },
    {
      evictionPolicy: 'volatile-lru',
      expiring: 16_000,
      which: 'those with an expiry that were not used for \\d+ s or more',
      after: '(7[5-9]|80)',
    },
    // About a sixth of all, and as many of those that are asked for.
    {
      evictionPolicy: 'volatile-ttl',
      expiring: 20_000,
      which: 'those that expire first',
      share: 0.85,
      gone: '(15|20|25)',
      after: '(6[0-9]|7[0-3])',
      within: 8, // of 400 keys in the sample, and the server's tables do not shrink with its keys
    },
    { evictionPolicy: 'allkeys-lfu', expiring: 0, which: 'those that are used least often', after: '(79|80)' },
    {
      evictionPolicy: 'volatile-lfu',
      expiring: 16_000,
      which: 'those with an expiry that are used least often',
      after: '(79|80)',
    },
  ])(
    'is as costly with $evictionPolicy as it was foreseen to be, and keys without an expiry stay where they may',
    async ({ evictionPolicy, expiring, which, after, share = 0.7, gone = '(30|35|40)', within = 5 }) => {
      await using server = await startRedis({ version, config: { ...config, 'maxmemory-policy': evictionPolicy } });
      await warm(server, expiring, countedBy(evictionPolicy));
      await server.command('CONFIG', 'RESETSTAT');
      const isByUse = !evictionPolicy.endsWith('-random');
      const ask = async () => {
        await get(server, 1, isByUse ? 8_000 : 20_000);
        await get(server, 20_001, isByUse ? 22_000 : 25_000); // there are none: 80 % are hits
      };
      await ask();
      const target = Math.floor((await used(server)) * share);
      const options = {
        secret: { uri: `redis://127.0.0.1:${server.port}` },
        policy: { maxMemory: String(target), evictionPolicy },
      };

      const cost = (await tuner(options).cost()) ?? '';
      expect(cost).toMatch(
        new RegExp(
          `about ${gone} % of the keys would go, ${which}; the hit ratio would come from 80 % to about ${after} %`,
        ),
      );
      if (!isByUse) expect(await calls(server)).not.toContain('cmdstat_object');

      await server.configSet('maxmemory', String(target));
      await eventually(async () => expect(await used(server)).toBeLessThan(target * 1.01));
      await server.command('CONFIG', 'RESETSTAT');
      await ask();
      const info = await infoOf(server);
      const [hits, misses] = [Number(info.get('keyspace_hits')), Number(info.get('keyspace_misses'))];
      const foreseen = Number(/to about (\d+) %/.exec(cost)?.[1]);
      expect(Math.abs((100 * hits) / (hits + misses) - foreseen)).toBeLessThan(within);
      const left = await server.command(
        'EVAL',
        "local left = 0 for i = ARGV[1] + 1, 20000 do left = left + redis.call('EXISTS', 'key:' .. i) end return left",
        '0',
        String(expiring),
      );
      if (expiring > 0) expect(left).toBe(20_000 - expiring);
    },
  );
});
