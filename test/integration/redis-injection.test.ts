import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { isProblem } from '../../operator/api/problem.ts';
import { redis as redisLever } from '../../operator/levers/redis/lever.ts';
import type { RedisUnit } from '../../operator/levers/redis/unit.ts';
import { eventually } from '../world/eventually.ts';
import { unitWith } from '../unit/levers/redis/observations.ts';
import { secretData } from './lever-tuner.ts';

/** Ends a command in RESP and in inline syntax, and begins another. */
const hostile = 'x"\r\n*1\r\n$8\r\nFLUSHALL\r\nFLUSHALL\r\n';
const asked = ['ping', 'info', 'config', 'slowlog', 'scan', 'memory', 'object', 'client', 'hello', 'auth'];
const ofTheTest = ['set', 'monitor', 'echo'];

/** Every command that the server executes from now on, but for those of administrators (CONFIG): these it keeps to itself. */
async function monitor({ port }: RedisServer) {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (data: string) => void (text += data));
  socket.write('MONITOR\r\n');
  await once(socket, 'data');
  return {
    commands: () => [...text.matchAll(/^\+\d+\.\d+ \[[^\]]*\] "([^"]*)"/gm)].map(([, name = '']) => name.toLowerCase()),
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** @returns The reason of what became of it. */
async function visit(lever: ReturnType<typeof redisLever>, unit: RedisUnit): Promise<string> {
  const signal = AbortSignal.timeout(30_000);
  try {
    const observed = await lever.observe(unit, signal);
    const { changes, condition } = lever.plan({ unit, observed, memory: undefined, now: 0 });
    for (const change of changes) {
      const outcome = await lever.apply(change, unit, signal);
      if (outcome.result === 'refused') return outcome.condition.reason;
    }
    return condition.reason;
  } catch (error) {
    if (!isProblem(error)) throw error;
    return error.reason;
  }
}

interface Row {
  readonly name: string;
  readonly unit?: Partial<RedisUnit>;
  readonly policy?: Parameters<typeof unitWith>[0];
  readonly secret?: Readonly<Record<string, string>>;
}

/** Each field once: what the API refuses of it, and who is admitted past it, reaches no server as a command. */
const rows: readonly Row[] = [
  { name: 'the name of a server', unit: { name: hostile } },
  { name: 'the name of a Secret', unit: { secretName: hostile } },
  { name: 'the name of a primary', unit: { sentinelMasterName: hostile } },
  { name: 'the object of another operator', unit: { clusterRef: { group: hostile, kind: hostile, name: hostile } } },
  { name: 'an eviction policy', policy: { evictionPolicy: hostile } },
  { name: 'the name of a parameter', policy: { parameters: { [hostile]: '1' } } },
  { name: 'a number', policy: { parameters: { 'hash-max-listpack-entries': hostile } } },
  { name: 'a text', policy: { parameters: { 'client-output-buffer-limit': `normal 0 0 0 ${hostile}` } } },
  { name: 'save points', policy: { parameters: { save: hostile } } },
  { name: 'a host', secret: { host: hostile } },
  { name: 'a port', secret: { port: hostile } },
  { name: 'an address', secret: { uri: `redis://${hostile}@127.0.0.1` } },
  { name: 'a certificate', secret: { 'ca.crt': hostile } },
  { name: 'a user', secret: { username: hostile } },
  { name: 'a password', secret: { password: hostile } },
  { name: 'a user and a password', secret: { username: hostile, password: hostile } },
];

describe.each(await availableRedisVersions())('what is no command of ours reaches Redis %s as none', (version) => {
  test('whatever stands in a field, a Secret or the name of a key', async () => {
    await using server = await startRedis({ version });
    const [port, key] = [String(server.port), `canary${hostile}`];
    await server.command('SET', key, 'x'.repeat(2 ** 21), 'EX', '10000');
    using heard = await monitor(server);
    const answers = [];
    for (const { name, unit, policy = {}, secret = {} } of rows) {
      const lever = redisLever({
        readSecret: () => Promise.resolve(secretData({ host: '127.0.0.1', port, ...secret })),
        memoryLimit: () => Promise.resolve(undefined),
      });
      // The second visit searches the keys too.
      for (let times = 0; times < 2; times += 1) answers.push(`${name}: ${await visit(lever, unitWith(policy, unit))}`);
    }
    await server.command('ECHO', 'over');

    await eventually(() => expect(heard.commands()).toContain('echo'));
    const executed = new Set(heard.commands());
    executed.delete('echo');
    expect([...executed].filter((name) => !asked.includes(name))).toEqual([]);
    expect([...executed]).toEqual(expect.arrayContaining(['info', 'scan', 'memory'])); // it was heard
    const statistics = String(await server.command('INFO', 'commandstats'));
    const counted = new Set([...statistics.matchAll(/^cmdstat_([^:|]*)/gm)].map(([, name = '']) => name));
    expect([...counted].filter((name) => ![...asked, ...ofTheTest].includes(name))).toEqual([]);
    expect(await server.command('EXISTS', key)).toBe(1);
    expect(await server.configGet('requirepass')).toBe('');
    expect(answers).toContain('the name of a parameter: ConfigRejected');
    expect(answers).toContain('a number: ConfigRejected');
    expect(answers).toEqual(expect.arrayContaining(['a host: SecretInvalid', 'a port: SecretInvalid']));
  });
});
