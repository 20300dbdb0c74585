import { describe, expect, test } from '@jest/globals';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { availableRedisVersions, type RedisVersion } from '../../hack/servers/redis-binary.ts';
import { password, tuner } from './redis-tuner.ts';

const versions = await availableRedisVersions();

const secretOf = ({ port }: { readonly port: number }) => ({ uri: `redis://127.0.0.1:${port}` });
const list = (version: RedisVersion) => (version === '6.2' ? 'ziplist' : 'listpack');

describe.each(versions)('Redis %s', (version) => {
  /** None of them has E1's value. */
  const others = {
    maxmemory: '104857600',
    'maxmemory-policy': 'noeviction',
    save: '3600 1',
    'tcp-keepalive': '60',
    'tcp-backlog': '100',
    [`hash-max-${list(version)}-entries`]: '100',
    [`hash-max-${list(version)}-value`]: '32',
    [`list-max-${list(version)}-size`]: '-1',
    'set-max-intset-entries': '100',
    [`zset-max-${list(version)}-entries`]: '100',
    [`zset-max-${list(version)}-value`]: '32',
  };
  const e1 = {
    maxmemory: '1073741824',
    'maxmemory-policy': 'allkeys-lru',
    save: '900 1 300 10 60 10000',
    'tcp-keepalive': '300',
    [`hash-max-${list(version)}-entries`]: '512',
    [`hash-max-${list(version)}-value`]: '64',
    [`list-max-${list(version)}-size`]: '-2',
    'set-max-intset-entries': '512',
    [`zset-max-${list(version)}-entries`]: '128',
    [`zset-max-${list(version)}-value`]: '64',
  };

  test('has all of E1 after one visit, and then nothing is left to do', async () => {
    await using server = await startRedis({ version, config: others });
    const { visit } = tuner({ secret: secretOf(server) });

    const first = await visit();

    expect(first).toMatchObject({ outcome: 'applied', causes: ['Declared'], status: 'True', reason: 'PendingRestart' });
    expect(await configOf(server, Object.keys(e1))).toEqual(e1);
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'PendingRestart' });
  });

  test('leaves to a restart what only a restart can change, and says so', async () => {
    await using server = await startRedis({ version, config: { ...e1, save: savePoints, 'tcp-backlog': '100' } });
    const visited = await tuner({ secret: secretOf(server) }).visit();
    expect(visited).toMatchObject({
      outcome: 'nothing',
      reason: 'PendingRestart',
      entry: { pendingRestart: ['tcp-backlog'] },
    });
    expect(visited.message).toContain('tcp-backlog (100 instead of 511)');
    expect(await server.configGet('tcp-backlog')).toBe('100');
  });

  test('takes all that it can when one value is bad, and the message has the server’s words', async () => {
    await using server = await startRedis({ version });
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { appendfsync: 'sometimes' } } });
    const visited = await visit();
    expect(visited).toMatchObject({ outcome: 'refused', status: 'False', reason: 'ConfigRejected' });
    expect(visited.message).toMatch(/appendfsync = sometimes/);
    expect(visited.message).toMatch(/must be one of the following/);
    expect(await server.configGet('maxmemory-policy')).toBe('allkeys-lru');
    expect((await visit()).causes).toEqual(['Declared']); // what was never in force is no drift
  });

  test('is tuned by a user that may do no more than the documentation grants', async () => {
    const grants = version === '6.2' ? grants62 : version === '7.0' ? grants70 : `${grants70} +client|setinfo`;
    const user = `genops reset on >${password} ${grants}`;
    await using server = await startRedis({
      version,
      config: { 'tcp-keepalive': '60' },
      aclFile: `user default on nopass ~* &* +@all\nuser ${user}\n`,
    });
    const { visit, restore } = tuner({ secret: { uri: `redis://genops:${password}@127.0.0.1:${server.port}` } });
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
    expect(await restore()).toMatchObject({ outcome: 'applied' });
    expect(await server.command('ACL', 'LOG')).toEqual([]); // nothing was asked for that is not granted
  });

  test('changes nothing for a user without CONFIG SET, and reports the difference', async () => {
    const user = `genops reset on >${password} +ping +info +config|get +client|setname`;
    await using server = await startRedis({ version, aclFile: `user default on nopass ~* &* +@all\nuser ${user}\n` });
    const { visit } = tuner({ secret: { host: '127.0.0.1', port: String(server.port), username: 'genops', password } });
    const visited = await visit();
    expect(visited).toMatchObject({ outcome: 'nothing', status: 'True', reason: 'ReportOnly' });
    expect(visited.message).toContain('maxmemory-policy noeviction instead of allkeys-lru');
    expect(await server.configGet('maxmemory-policy')).toBe('noeviction');
  });

  test('is asked for nothing but what the documentation names', async () => {
    await using server = await startRedis({ version, config: others });
    const { visit, restore } = tuner({ secret: secretOf(server) });
    await visit();
    await server.configSet('tcp-keepalive', '1');
    await visit();
    await restore();
    const used = String(await server.command('INFO', 'commandstats')).matchAll(/^cmdstat_([^:]+):/gm);
    const allowed = new Set([
      'ping',
      'info',
      'hello',
      'config',
      'config|get',
      'config|set',
      'slowlog',
      'slowlog|get',
      'scan',
      'memory',
      'memory|usage',
      'client',
      'client|setname',
      'client|setinfo',
    ]);
    expect([...used].map(([, command]) => command).filter((command) => !allowed.has(command ?? ''))).toEqual([]);
  });
});

/** One line each: 6.2 takes no more from a file. */
const savePoints = ['900 1', '300 10', '60 10000'];
const grants62 =
  '~* -@all +ping +info +config|get +config|set +slowlog|get +memory|usage +object|idletime +object|freq +pttl +scan +client|setname +cluster|slots';
const grants70 =
  '%R~* resetchannels -@all +ping +info +config|get +config|set +slowlog|get +memory|usage +object|idletime +object|freq +pttl +scan +client|setname +cluster|shards +cluster|slots';

describe('who changed it', () => {
  test('a parameter changed by hand is put back and counted as drift', async () => {
    await using server = await startRedis();
    const { visit } = tuner({ secret: secretOf(server) });
    await visit();
    await server.configSet('maxmemory-policy', 'noeviction');

    expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Drift'], entry: { drifted: 1 } });
    expect(await server.configGet('maxmemory-policy')).toBe('allkeys-lru');
    expect(await visit()).toMatchObject({ outcome: 'nothing', entry: { drifted: 0 } });
  });

  test('what was as declared from the first look is so again when the service goes, whatever somebody set in between', async () => {
    await using server = await startRedis({ config: { 'tcp-keepalive': '300' } });
    const { visit, restore } = tuner({ secret: secretOf(server) });
    await visit();
    await server.configSet('tcp-keepalive', '11');
    expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Drift'] });

    await restore();
    expect(await server.configGet('tcp-keepalive')).toBe('300');
    expect(await server.configGet('maxmemory-policy')).toBe('noeviction'); // as it was found
  });

  test('one that the server always refuses hides no drift of the others', async () => {
    await using server = await startRedis();
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { appendfsync: 'sometimes' } } });
    await visit();
    for (const byHand of ['noeviction', 'volatile-lru']) {
      await server.configSet('maxmemory-policy', byHand);
      expect(await visit()).toMatchObject({ outcome: 'refused', causes: ['Drift', 'Declared'], entry: { drifted: 1 } });
      expect(await server.configGet('maxmemory-policy')).toBe('allkeys-lru');
    }
  });

  test('what a restart forgot is set again, and is not drift', async () => {
    await using server = await startRedis();
    const { visit } = tuner({ secret: secretOf(server) });
    await visit();
    await server.restart();

    expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Restart'], entry: { drifted: 0 } });
    expect(await server.configGet('maxmemory')).toBe('1073741824');
  });

  test('a change by hand after a restart that kept everything is drift, not the restart', async () => {
    const config = { maxmemory: '1gb', 'maxmemory-policy': 'allkeys-lru', save: savePoints };
    await using server = await startRedis({ config });
    const { visit } = tuner({ secret: secretOf(server) });
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
    await server.restart();
    await visit();
    await server.configSet('maxmemory', '0');
    expect((await visit()).causes).toEqual(['Drift']);
  });

  test('in DryRun a change by hand stays, and is said', async () => {
    await using server = await startRedis();
    const visited = await tuner({ secret: secretOf(server), mode: 'DryRun' }).visit();
    expect(visited).toMatchObject({
      outcome: 'nothing',
      reason: 'DryRun',
      message: expect.stringContaining('maxmemory 0 → 1073741824'),
    });
    expect(await server.configGet('maxmemory')).toBe('0');
  });

  test('Restore puts every original back, and leaves what somebody has changed since', async () => {
    await using server = await startRedis({ config: { maxmemory: '100mb', save: '3600 1', 'tcp-keepalive': '60' } });
    const before = await configOf(server, ['maxmemory', 'maxmemory-policy', 'save']);
    const { visit, restore } = tuner({ secret: secretOf(server) });
    await visit();
    await server.configSet('tcp-keepalive', '77');

    expect(await restore()).toMatchObject({ outcome: 'applied', status: 'True' });

    expect(await configOf(server, ['maxmemory', 'maxmemory-policy', 'save'])).toEqual(before);
    expect(await server.configGet('tcp-keepalive')).toBe('77');
  });

  test('Restore finds out who has changed it also of what only the policy of before declared', async () => {
    await using server = await startRedis({ config: { maxclients: '300', hz: '10' } });
    const { visit, restore } = tuner({
      secret: secretOf(server),
      policy: { parameters: { maxclients: '400', hz: '50' } },
    });
    await visit();
    await server.configSet('maxclients', '500');

    expect(await restore()).toMatchObject({ outcome: 'applied', status: 'True' });

    expect(await configOf(server, ['maxclients', 'hz'])).toEqual({ maxclients: '500', hz: '10' });
  });
});

describe('what would harm is not sent', () => {
  test('allkeys-* waits until no key without expiry is left, and the limit waits with it', async () => {
    await using server = await startRedis();
    const { visit } = tuner({ secret: secretOf(server) });
    await server.command('LPUSH', 'jobs', 'one');

    expect(await visit()).toMatchObject({ status: 'False', reason: 'NonExpiringKeys', fields: ['save'] });
    expect(await configOf(server, ['maxmemory', 'maxmemory-policy'])).toEqual({
      maxmemory: '0',
      'maxmemory-policy': 'noeviction',
    });

    await server.command('EXPIRE', 'jobs', '3600');
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
    expect(await server.configGet('maxmemory-policy')).toBe('allkeys-lru');
  });

  test('no limit below what is in use where nothing may be evicted: writes go on', async () => {
    await using server = await startRedis();
    await server.command('SET', 'big', 'x'.repeat(4 * 2 ** 20));
    const { visit } = tuner({ secret: secretOf(server), policy: { maxMemory: '3Mi', evictionPolicy: 'noeviction' } });
    expect(await visit()).toMatchObject({ status: 'False', reason: 'NothingToEvict' });
    expect(await server.command('SET', 'other', '1')).toBe('OK');
  });

  test('no noeviction on a server that lives of its evictions: writes go on; without the guard it is set, and told', async () => {
    await using server = await startRedis();
    await fillPast(server, 8 * 2 ** 20);
    const policy = { maxMemory: '8Mi', evictionPolicy: 'noeviction' };
    const secret = secretOf(server);

    expect(await tuner({ secret, policy }).visit()).toMatchObject({
      status: 'False',
      reason: 'NothingToEvict',
      message: expect.stringContaining('saw more than 90 % of maxmemory 8.0Mi in use and maxmemory-policy allkeys-lru'),
    });
    expect(await server.configGet('maxmemory-policy')).toBe('allkeys-lru');
    expect(await server.command('SET', 'another', 'x'.repeat(2 ** 20))).toBe('OK');

    await fillPast(server, 8 * 2 ** 20);
    expect(await tuner({ secret, policy: { ...policy, evictionGuard: 'Off' } }).visit()).toMatchObject({
      status: 'True',
      reason: 'NearlyFull',
    });
    expect(await server.configGet('maxmemory-policy')).toBe('noeviction');
    await expect(server.command('SET', 'another', 'x'.repeat(2 ** 20))).rejects.toThrow(/^OOM/);
  });

  test('no limit that the container cannot hold: what it can is set instead, and no limit at all is not', async () => {
    await using server = await startRedis();
    const options = { secret: secretOf(server), memoryLimitBytes: 2 ** 30 };
    expect(await tuner({ ...options, policy: { maxMemory: '0' } }).visit()).toMatchObject({
      status: 'False',
      reason: 'OutOfBounds',
      message: expect.stringContaining('at most 768Mi'),
    });
    expect(await server.configGet('maxmemory')).toBe('0');
    expect(await tuner(options).visit()).toMatchObject({
      reason: 'Applied',
      entry: { boundBy: 'StatefulSet/redis memory limit' },
    });
    expect(await server.configGet('maxmemory')).toBe(String(768 * 2 ** 20));
  });
});

async function configOf(server: RedisServer, names: readonly string[]): Promise<Record<string, string | undefined>> {
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await server.configGet(name)] as const)),
  );
}

/** As a cache is: at this limit, and throwing out. */
async function fillPast(server: RedisServer, maxMemoryBytes: number): Promise<void> {
  await server.configSet('maxmemory', String(maxMemoryBytes));
  await server.configSet('maxmemory-policy', 'allkeys-lru');
  const fill = "for i = 1, ARGV[1] do redis.call('SET', 'key:' .. i, string.rep('x', 10000)) end";
  await server.command('EVAL', fill, '0', String(Math.ceil((maxMemoryBytes * 1.5) / 10_000)));
}
