import { describe, expect, test } from '@jest/globals';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { redisAddress } from '../../operator/levers/redis/address.ts';
import { connectRedis } from '../../operator/levers/redis/connect.ts';
import { readSlowLog } from '../../operator/levers/redis/slow-log.ts';

async function slowLogOf({ port }: RedisServer, entries: number, user = '') {
  const signal = AbortSignal.timeout(10_000);
  const uri = Buffer.from(`redis://${user}127.0.0.1:${port}`);
  await using redis = await connectRedis(redisAddress({ uri }, { namespace: 'ai', name: 'redis' }), signal);
  return readSlowLog(redis, entries);
}

describe.each(await availableRedisVersions())('the slow log of Redis %s', (version) => {
  test('has the commands and how long they took, newest first, and nothing of what was in them', async () => {
    await using server = await startRedis({ version, config: { 'slowlog-log-slower-than': '0' } });
    await server.command('SET', 'key-of-a-user', 'value-of-a-user');
    await server.command('GET', 'key-of-a-user');
    const log = await slowLogOf(server, 50);
    expect(JSON.stringify(log)).not.toContain('of-a-user');
    if (log.state === 'Unknown') throw new Error(log.why);
    const names = log.commands.map(({ command }) => command);
    expect(names.filter((name) => name === 'SET' || name === 'GET')).toEqual(['GET', 'SET']);
    for (const { at, durationMs } of log.commands) {
      expect(Math.abs(Date.now() - at)).toBeLessThan(60_000);
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(durationMs).toBeLessThan(5_000);
    }
    expect(await slowLogOf(server, 1)).toMatchObject({ commands: [expect.anything()] });
  });

  test('is not known where the user may not read it, with what to grant, nor where nobody wants it', async () => {
    const user = 'genops reset on >password +ping +info +config|get +client|setname';
    await using server = await startRedis({ version, aclFile: `user default on nopass ~* &* +@all\nuser ${user}\n` });
    const log = await slowLogOf(server, 10, 'genops:password@');
    expect(log).toEqual({
      state: 'Unknown',
      why: expect.stringMatching(/^saw "NOPERM .*"; wanted SLOWLOG GET; next: grant \+slowlog\|get/),
    });
    const denied = await server.command('ACL', 'LOG');
    expect(await slowLogOf(server, 0, 'genops:password@')).toMatchObject({ state: 'Unknown' });
    expect(await server.command('ACL', 'LOG')).toHaveLength((denied as readonly unknown[]).length); // it was not asked
  });
});
