import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { startRedis } from '../../hack/servers/redis.ts';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { eventually } from '../world/eventually.ts';
import { password, tuner } from './redis-tuner.ts';
import { withholdingProxy } from './withholding-proxy.ts';

const savePoints = ['900 1', '300 10', '60 10000'];
const secretOf = ({ port }: { readonly port: number }) => ({ uri: `redis://127.0.0.1:${port}` });

describe('a server that does not answer', () => {
  test('hangs: said while it does, and it recovers by itself', async () => {
    await using server = await startRedis();
    const { visit } = tuner({ secret: secretOf(server) });
    server.freeze();
    expect(await visit()).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'Unreachable' });
    server.thaw();
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
  });

  test('is gone: said at once, and it recovers by itself', async () => {
    await using server = await startRedis();
    const { visit } = tuner({ secret: secretOf(server) });
    await server.kill();
    expect(await visit()).toMatchObject({ reason: 'Unreachable', message: expect.stringContaining('ECONNREFUSED') });
    await server.restart();
    expect(await visit()).toMatchObject({ outcome: 'applied' });
  });

  test('a CONFIG SET that was made but not answered is found by reading back', async () => {
    await using server = await startRedis();
    await using proxy = await withholdingProxy(() => connect(server.port, '127.0.0.1'));
    const { visit } = tuner({ secret: secretOf(proxy) });
    proxy.arm('allkeys-lru', 'Answer');
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
    expect(await server.configGet('maxmemory')).toBe('1073741824');
    expect(await visit()).toMatchObject({ outcome: 'nothing' });
  });

  test('a CONFIG SET that never arrived is not taken for made, nor for drift the next time', async () => {
    await using server = await startRedis();
    await using proxy = await withholdingProxy(() => connect(server.port, '127.0.0.1'));
    const { visit } = tuner({ secret: secretOf(proxy) });
    proxy.arm('allkeys-lru', 'Request');
    expect(await visit()).toMatchObject({
      outcome: 'failed',
      reason: 'Unreachable',
      message: expect.stringContaining('unanswered'),
    });
    expect(await server.configGet('maxmemory')).toBe('0');
    expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Declared'] });
  });

  test('stops in the middle of a CONFIG SET, which it makes when it goes on: found as made, and as nobody’s drift', async () => {
    await using server = await startRedis();
    await using proxy = await withholdingProxy(() => connect(server.port, '127.0.0.1'));
    const { visit } = tuner({ secret: secretOf(proxy) });
    proxy.arm('allkeys-lru', () => Promise.resolve(server.freeze()));
    expect(await visit()).toMatchObject({ outcome: 'failed', status: 'False', reason: 'Unreachable' });
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Unreachable' }); // what it has is unknown
    server.thaw();
    await eventually(async () => expect(await server.configGet('maxmemory')).toBe('1073741824'));
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied', entry: { drifted: 0 } });
    await server.configSet('maxmemory', '0');
    expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Drift'] }); // it counts as ours since
  });

  test('loads its data: said while it does', async () => {
    await using server = await startRedis({ config: { 'enable-debug-command': 'yes' } });
    const { visit } = tuner({ secret: secretOf(server) });
    await server.command('DEBUG', 'POPULATE', '10000');
    await server.configSet('key-load-delay', '1000'); // µs for each key
    await server.configSet('loading-process-events-interval-bytes', '1024');
    const reload = server.command('DEBUG', 'RELOAD').catch((error: unknown) => String(error));
    await eventually(async () =>
      expect(await visit()).toMatchObject({
        status: 'False',
        reason: 'Loading',
        message: expect.stringContaining('LOADING'),
      }),
    );
    await server.kill();
    await reload;
  });

  test('has no connection left: said with what to do, until one is free', async () => {
    await using server = await startRedis();
    const { visit } = tuner({ secret: secretOf(server) });
    const client = connect(server.port, '127.0.0.1');
    client.write('PING\r\n');
    await once(client, 'data');
    await server.configSet('maxclients', '1');
    await eventually(async () => expect(await visit()).toMatchObject({ status: 'False', reason: 'NoConnectionLeft' }));
    client.destroy();
    await eventually(async () => expect(await visit()).toMatchObject({ reason: 'Applied' }));
  });

  test('is a replica that serves nobody without its primary: it is tuned, and the primary pending', async () => {
    await using server = await startRedis();
    await server.command('REPLICAOF', '127.0.0.1', '1');
    await server.configSet('replica-serve-stale-data', 'no');
    await expect(server.command('PING')).rejects.toThrow('MASTERDOWN');
    expect(await tuner({ secret: secretOf(server) }).visit()).toMatchObject({
      outcome: 'applied',
      reason: 'NodesPending',
    });
    expect(await server.configGet('maxmemory-policy')).toBe('allkeys-lru');
  });

  test('cannot save, and refuses writes for it: the settings are in force, and it is said', async () => {
    await using server = await startRedis({ config: { save: savePoints } });
    await server.command('SET', 'key', 'value', 'EX', '1000');
    await mkdir(join(server.folder, 'dump.rdb')); // where the file should be
    await server.command('BGSAVE');
    const { visit } = tuner({ secret: secretOf(server) });
    await eventually(async () => expect(await visit()).toMatchObject({ status: 'True', reason: 'SavingFails' }));
    await expect(server.command('SET', 'key', 'other')).rejects.toThrow('MISCONF');
    expect(await server.configGet('maxmemory-policy')).toBe('allkeys-lru');
  });

  test('has more in use than its limit, and may throw nothing out: the settings are in force, and it is said', async () => {
    await using stack = new AsyncDisposableStack();
    const servers = [];
    for (const version of await availableRedisVersions())
      servers.push(stack.use(await startRedis({ version, config: { 'maxmemory-policy': 'volatile-lru' } })));
    for (const server of servers) {
      await server.command('SET', 'key', 'x'.repeat(6 * 2 ** 20));
      await server.configSet('maxmemory', String(4 * 2 ** 20));
    }
    for (const server of servers) {
      const { visit } = tuner({
        secret: secretOf(server),
        policy: { maxMemory: '4Mi', evictionPolicy: 'volatile-lru' },
      });
      await eventually(async () => expect(await visit()).toMatchObject({ status: 'True', reason: 'EvictionBehind' }));
      await server.command('DEL', 'key');
      await eventually(async () => expect(await visit()).toMatchObject({ reason: 'Applied' }));
    }
  });

  test('runs a script without end: Busy, until it is ended', async () => {
    await using server = await startRedis({ config: { 'lua-time-limit': '10' } });
    const { visit } = tuner({ secret: secretOf(server) });
    const script = server.command('EVAL', 'while true do end', '0').catch((error: unknown) => String(error));
    await eventually(async () => expect(await visit()).toMatchObject({ reason: 'Busy' }));
    await server.command('SCRIPT', 'KILL');
    expect(await script).toContain('Script killed');
    expect(await visit()).toMatchObject({ reason: 'Applied' });
  });
});

test('an address that leads to two servers in turn is no restart, and no word of in force', async () => {
  await using first = await startRedis();
  await using second = await startRedis();
  let { port } = first;
  await using proxy = await withholdingProxy(() => connect(port, '127.0.0.1'));
  const { visit } = tuner({ secret: secretOf(proxy) });
  const visitOf = (server: { readonly port: number }) => {
    ({ port } = server);
    return visit();
  };
  expect(await visitOf(first)).toMatchObject({ outcome: 'applied', reason: 'Applied' });
  expect(await visitOf(second)).toMatchObject({ outcome: 'applied', causes: ['Restart'] }); // nobody can tell yet
  expect(await visitOf(first)).toMatchObject({ outcome: 'nothing', reason: 'Applied' }); // it may be a fail-over and back
  await second.configSet('maxmemory-policy', 'noeviction');
  const several = { outcome: 'nothing', status: 'False', reason: 'SeveralServers' };
  for (const server of [second, first, second, second]) expect(await visitOf(server)).toMatchObject(several);
  expect(await second.configGet('maxmemory-policy')).toBe('noeviction');
  await first.restart();
  expect(await visitOf(first)).toMatchObject(several); // ten minutes have not passed
});

describe('a server that lets us not in', () => {
  test.each([
    ['a wrong password', `redis://:${password}-not@`],
    ['no password', 'redis://'],
    ['an unknown user', `redis://nobody:${password}@`],
  ])('%s', async (_, start) => {
    await using server = await startRedis({ config: { requirepass: password } });
    const visited = await tuner({ secret: { uri: `${start}127.0.0.1:${server.port}` } }).visit();
    expect(visited).toMatchObject({ status: 'False', reason: 'AuthenticationFailed' });
    expect(await tuner({ secret: { uri: `redis://:${password}@127.0.0.1:${server.port}` } }).visit()).toMatchObject({
      reason: 'Applied',
    });
  });

  test('no Secret, and one without an address', async () => {
    expect(await tuner({ secret: undefined }).visit()).toMatchObject({
      reason: 'SecretNotFound',
      message: expect.stringContaining('ai/redis'),
    });
    expect(await tuner({ secret: { password } }).visit()).toMatchObject({ reason: 'SecretNotFound' });
    expect(await tuner({ secret: { uri: `redis:/${password}` } }).visit()).toMatchObject({ reason: 'SecretInvalid' });
  });

  test('a user that may not even ask: the message names the command and the grant', async () => {
    const acl = `user default on nopass ~* &* +@all\nuser genops reset on >${password} +ping\n`;
    await using server = await startRedis({ aclFile: acl });
    const visited = await tuner({ secret: { uri: `redis://genops:${password}@127.0.0.1:${server.port}` } }).visit();
    expect(visited).toMatchObject({ reason: 'PermissionDenied', message: expect.stringContaining("'info'") });
  });

  test('CONFIG renamed away: what INFO still tells is compared', async () => {
    await using server = await startRedis({ config: { 'rename-command': 'CONFIG ""' } });
    const visited = await tuner({ secret: secretOf(server) }).visit();
    expect(visited).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'ConfigDisabled' });
    expect(visited.message).toContain('maxmemory 0 instead of 1073741824');
  });

  test.each([
    { version: '7.0', without: ['AUTH', 'HELLO'], expected: { status: 'False', reason: 'AuthenticationFailed' } },
    { version: '6.2', without: ['AUTH', 'HELLO'], expected: { status: 'False', reason: 'AuthenticationFailed' } },
    { version: '7.0', without: ['HELLO'], expected: { outcome: 'applied' } }, // then the client takes AUTH
    { version: '7.0', without: ['AUTH'], expected: { outcome: 'applied' } }, // a user without a password takes any
    { version: '7.0', without: ['CONFIG'], expected: { reason: 'ConfigDisabled' } },
  ] as const)('Redis $version without $without repeats what it was sent, and we do not', async (row) => {
    const { version, without, expected } = row;
    const config = {
      'rename-command': without.map((name) => `${name} ""`),
      ...(without.some((name) => name === 'AUTH') ? {} : { requirepass: password }),
    };
    await using server = await startRedis({ version, config });
    const uri = `redis://default:${password}@127.0.0.1:${server.port}`;
    const visited = await tuner({ secret: { uri } }).visit(); // it looks for the password in all that it gets
    expect(visited).toMatchObject(expected);
    expect(visited.message).not.toContain('args beginning');
  });

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.internal === false && one.family === 'IPv4')?.address;
  (outside === undefined ? test.skip : test)('protected mode, seen from another address', async () => {
    await using server = await startRedis({ config: { bind: '* -::*' } });
    const visited = await tuner({ secret: { host: outside ?? '', port: String(server.port) } }).visit();
    expect(visited).toMatchObject({
      status: 'False',
      reason: 'ProtectedMode',
      message: expect.stringContaining('requirepass'),
    });
  });
});

describe('TLS', () => {
  test('is verified against the Secret’s authority, and refused without it', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'genops-tls-'));
    const [ca, key, cert] = [join(folder.path, 'ca.pem'), join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')];
    const authority = createAuthority('redis-ca');
    const pair = issueCertificate({ commonName: 'localhost', names: ['localhost', '127.0.0.1'] }, authority);
    await writeFile(ca, authority.certificate);
    await writeFile(key, pair.key, { mode: 0o600 });
    await writeFile(cert, pair.certificate);
    await using server = await startRedis({
      config: {
        'tls-port': '0',
        'tls-cert-file': cert,
        'tls-key-file': key,
        'tls-ca-cert-file': ca,
        'tls-auth-clients': 'no',
      },
    });
    const tlsPort = await freePort();
    await server.configSet('tls-port', String(tlsPort));
    const uri = `rediss://127.0.0.1:${tlsPort}`;
    const trusted = await tuner({ secret: { uri, 'ca.crt': authority.certificate } }).visit();
    expect(trusted).toMatchObject({ outcome: 'applied', reason: 'Applied' });
    const untrusted = await tuner({ secret: { uri } }).visit();
    expect(untrusted).toMatchObject({
      status: 'False',
      reason: 'Unreachable',
      message: expect.stringContaining('ca.crt'),
    });
  });
});
