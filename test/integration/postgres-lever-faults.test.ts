import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chown, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { startPgbouncer } from '../../hack/servers/pgbouncer.ts';
import { postgresUser, postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { autoConf, password, secretOf, startTuned, tuner } from './postgres-tuner.ts';
import { withholdingProxy } from './withholding-proxy.ts';

const policy = { parameters: { work_mem: '16MB', max_wal_size: '2GB' } };

describe('a server that does not answer', () => {
  test('hangs: said while it does, and it recovers by itself', async () => {
    await using server = await startTuned({});
    const { visit } = tuner({ secret: secretOf(server), policy });
    process.kill(server.pid(), 'SIGSTOP');
    expect(await visit()).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'Unreachable' });
    process.kill(server.pid(), 'SIGCONT');
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
  });

  test('hangs in the middle of a change: nothing is taken for made, nor for drift the next time', async () => {
    await using server = await startTuned({});
    await using proxy = await withholdingProxy(() => connect(server.port, '127.0.0.1'));
    const { visit } = tuner({ secret: secretOf(proxy), policy });
    proxy.arm('ALTER SYSTEM SET work_mem', 'Request');
    const visiting = visit();
    await proxy.lost;
    process.kill(server.pid(), 'SIGSTOP');
    expect(await visiting).toMatchObject({ outcome: 'failed', status: 'False', reason: 'Unreachable' });
    process.kill(server.pid(), 'SIGCONT');
    expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Declared'], reason: 'Applied' });
  });

  test('is gone: said at once, and it recovers by itself', async () => {
    await using server = await startTuned({});
    const { visit } = tuner({ secret: secretOf(server), policy });
    await server.kill();
    expect(await visit()).toMatchObject({ reason: 'Unreachable', message: expect.stringContaining('ECONNREFUSED') });
    await server.restart();
    expect(await visit()).toMatchObject({ outcome: 'applied' });
  });

  test.each([
    { word: 'ALTER SYSTEM SET work_mem', loss: 'Request' },
    { word: 'ALTER SYSTEM SET work_mem', loss: 'Answer' },
    { word: 'SELECT pg_catalog.pg_reload_conf()', loss: 'Request' },
  ] as const)(
    'goes silent ($loss of $word): it is asked once more in the same visit, and nothing is drift the next time',
    async ({ word, loss }) => {
      await using server = await startTuned({});
      await using proxy = await withholdingProxy(() => connect(server.port, '127.0.0.1'));
      const { visit } = tuner({ secret: secretOf(proxy), policy });
      proxy.arm(word, loss);
      expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Declared'], reason: 'Applied' });
      expect(await server.query("SELECT current_setting('work_mem') AS value")).toEqual([{ value: '16MB' }]);
      expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
    },
  );
});

test('another server at the address has none of our settings: neither drift nor originals of the first', async () => {
  await using first = await startTuned({});
  await using second = await startTuned({ version: '15' });
  let { port } = first;
  await using proxy = await withholdingProxy(() => connect(port, '127.0.0.1'));
  const { visit, restore } = tuner({ secret: secretOf(proxy), policy });
  await visit();
  ({ port } = second);
  expect(await restore()).toMatchObject({ outcome: 'nothing' });
  expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Declared'] });
});

test('a pooler is told apart, and nothing is set through it', async () => {
  await using server = await startTuned({});
  await using pooler = await startPgbouncer(server);
  const before = await autoConf(server);
  expect(await tuner({ secret: secretOf(pooler), policy }).visit()).toMatchObject({
    outcome: 'nothing',
    status: 'False',
    reason: 'PoolerInBetween',
  });
  expect(await autoConf(server)).toBe(before);
});

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('whatever a policy asks for, the server starts again', async () => {
    await using server = await startTuned({ version });
    const { visit } = tuner({ secret: secretOf(server) });
    const upTo = (few: number, most: number, least = 1) =>
      fc.oneof(fc.integer({ min: least, max: few }), fc.integer({ min: least, max: most })).map(String);
    const asked = fc.record(
      {
        shared_buffers: upTo(600, 400_000).map((amount) => `${amount}MB`),
        wal_buffers: fc.oneof(
          upTo(64, 2047).map((amount) => `${amount}MB`),
          fc.constant('-1'),
        ),
        max_connections: upTo(500, 262_143),
        max_worker_processes: upTo(32, 262_143, 0),
        autovacuum_max_workers: upTo(8, 262_143),
        track_activity_query_size: upTo(4096, 1_048_576, 100),
        min_wal_size: upTo(64, 4000).map((amount) => `${amount}MB`),
        max_wal_size: upTo(64, 4000).map((amount) => `${amount}MB`),
      },
      { requiredKeys: [] },
    );
    const size = fc.record({
      memory: fc.integer({ min: 256, max: 1024 }).map((amount) => `${amount}Mi`),
      cpus: fc.constantFrom('500m', '2', '16'),
      storage: fc.constantFrom('SSD', 'HDD', 'Network'),
      workload: fc.constantFrom('OLTP', 'Mixed', 'Analytics'),
    });
    const written = new Set<string>();
    for (const [parameters, sizing] of fc.sample(fc.tuple(asked, size), { numRuns: 12, seed: 7 })) {
      for (const declared of [{ parameters }, { parameters, sizing }]) {
        const { fields } = await visit(declared);
        for (const field of fields) written.add(field);
      }
      await server.restart();
    }
    expect([...written]).toEqual(
      expect.arrayContaining([
        'shared_buffers',
        'max_connections',
        'max_worker_processes',
        'min_wal_size',
        'max_wal_size',
        'work_mem',
      ]),
    );
  });

  test('TLS: the authority of the Secret is verified, and the host', async () => {
    const authority = createAuthority('test-ca');
    await using server = await startTuned({ version });
    await serveTls(server, issueCertificate({ commonName: 'pg', names: ['127.0.0.1'] }, authority));
    const keys = { host: '127.0.0.1', port: String(server.port), username: 'genops', password, dbname: 'postgres' };
    const visited = (more: Readonly<Record<string, string>>) => tuner({ secret: { ...keys, ...more }, policy }).visit();

    expect(await visited({ 'ca.crt': authority.certificate })).toMatchObject({ reason: 'Applied' });
    expect(await visited({ sslmode: 'require' })).toMatchObject({ reason: 'Applied' });
    const other = { 'ca.crt': createAuthority('other-ca').certificate };
    for (const sslmode of ['require', 'verify-ca', 'verify-full'])
      expect(await visited({ ...other, sslmode })).toMatchObject({
        status: 'False',
        reason: 'Unreachable',
        message: expect.stringContaining('ca.crt'),
      });
    expect(await visited({ sslmode: 'disable' })).toMatchObject({ reason: 'AuthenticationFailed' });
  });
});

/** And nothing else: pg_hba.conf lets only the tests in without. */
async function serveTls(
  server: PostgresServer,
  { certificate, key }: { readonly certificate: string; readonly key: string },
): Promise<void> {
  const data = join(server.folder, 'data');
  for (const [name, text] of Object.entries({ 'server.crt': certificate, 'server.key': key })) {
    await writeFile(join(data, name), text, { mode: 0o600 });
    if (postgresUser !== undefined) await chown(join(data, name), postgresUser.uid, postgresUser.gid);
  }
  await writeFile(
    join(data, 'pg_hba.conf'),
    'host all postgres 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n',
  );
  await server.query('ALTER SYSTEM SET ssl = on');
  await server.query('SELECT pg_reload_conf()');
}
