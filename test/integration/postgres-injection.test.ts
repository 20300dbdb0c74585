import { describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { indexTuner, makeTables, type IndexTunerOptions } from './index-tuner.ts';
import { startTuned, tuner } from './postgres-tuner.ts';

const hostile = `x"'; DROP TABLE kept; --`;
const quoted = `"${hostile.replaceAll('"', '""')}"`;
const others = { host: '127.0.0.1', username: 'genops', password: 'p', dbname: 'postgres' };

interface Row {
  readonly name: string;
  readonly secret: IndexTunerOptions['secret'];
  /** Of what became of it. */
  readonly reason: string;
}
/** Each key once: nothing of it is an option, a setting or a statement. */
const rows: readonly Row[] = [
  { name: 'a host', secret: { host: `127.0.0.1'; DROP TABLE kept; --` }, reason: 'SecretInvalid' },
  { name: 'a socket', secret: { host: '/tmp' }, reason: 'SecretInvalid' },
  { name: 'a port', secret: { port: '5432 options=-clog_statement=none' }, reason: 'SecretInvalid' },
  { name: 'a user', secret: { username: `${hostile}\nx` }, reason: 'AuthenticationFailed' },
  {
    name: 'a user with a NUL',
    secret: { username: `genops\0options\0-c log_statement=none` },
    reason: 'SecretInvalid',
  },
  { name: 'a password', secret: { username: 'asked', password: hostile }, reason: 'AuthenticationFailed' },
  { name: 'a password with a NUL', secret: { password: 'p\0Q\0DROP TABLE kept' }, reason: 'SecretInvalid' },
  { name: 'a database', secret: { dbname: hostile }, reason: 'SecretInvalid' },
  { name: 'a connection string', secret: { dbname: 'postgres user=postgres' }, reason: 'SecretInvalid' },
  { name: 'a database with a NUL', secret: { dbname: 'postgres\0user\0postgres' }, reason: 'SecretInvalid' },
  { name: 'a sslmode', secret: { sslmode: `disable options='-c log_statement=none'` }, reason: 'SecretInvalid' },
];

/** What others than the test have had executed, without what stands in quotes. */
const sent = async (server: PostgresServer): Promise<readonly string[]> =>
  [...(await server.log()).matchAll(/^(?!postgres )\S+ LOG: {2}(?:statement|execute [^:]*): (.*(?:\n\t.*)*)/gm)].map(
    ([, sql = '']) => sql.replace(/"(?:[^"]|"")*"| ?E'(?:[^'\\]|''|\\\\)*'|'(?:[^']|'')*'/g, '_'),
  );

describe.each(postgresVersions)('what is no statement of ours reaches PostgreSQL %s as none', (version) => {
  test('whatever stands in a Secret, is the name or the value of a parameter, or is the name of a role that has run a statement', async () => {
    await using server = await startTuned({
      version,
      settings: { log_statement: 'all', shared_preload_libraries: 'pg_stat_statements' },
    });
    await server.query('CREATE TABLE kept (n int)');
    await server.query('CREATE ROLE asked LOGIN');
    const access = join(server.folder, 'data/pg_hba.conf');
    await writeFile(access, `host all asked 127.0.0.1/32 password\n${await readFile(access, 'utf8')}`);
    await server.query('SELECT pg_reload_conf()');

    for (const { name, secret, reason } of rows) {
      const all = { ...others, port: String(server.port), ...secret };
      const seen = await tuner({ secret: all, policy: { parameters: { work_mem: '16MB' } } }).visit();
      expect({ name, ...seen }).toMatchObject({ name, reason, outcome: 'nothing' });
      expect(await indexTuner({ secret: all }).visit([])).toMatchObject({ reason, outcome: 'nothing' });
    }
    const uri = `postgresql://genops:p@127.0.0.1:${server.port}/postgres`;
    for (const name of [hostile, 'work_mem = 0; DROP TABLE kept; --', 'data_directory', 'session_preload_libraries'])
      expect(await tuner({ secret: { uri }, past: { [name]: hostile } }).visit()).toMatchObject({
        outcome: 'nothing',
        status: 'False',
      });
    const settable = await tuner({ secret: { uri }, past: { work_mem: hostile } }).visit();
    expect(settable).toMatchObject({ outcome: 'refused', reason: 'ConfigRejected' });
    const options = 'options=-c%20log_statement%3Dnone&user=postgres&host=nowhere&dbname=template1';
    await advisesOn(server, `${uri}?${options}`);

    const statements = await sent(server);
    expect(statements).toContainEqual(expect.stringContaining('genops_plan')); // they were logged
    expect(statements.filter((sql) => sql.includes('kept'))).toEqual([]);
    expect(await server.query('SELECT n FROM kept')).toEqual([]);
  });
});

/** A role of that name, with a statement that an index would spare a scan: as it, once it is granted by the very words of the message. */
async function advisesOn(server: PostgresServer, uri: string): Promise<void> {
  await makeTables(server, 50_000);
  await server.query('ANALYZE workflows');
  await server.query('CREATE EXTENSION pg_stat_statements');
  await server.query(`CREATE ROLE ${quoted}`);
  await server.query(`GRANT SELECT ON workflows TO ${quoted}`);
  await server.query(`ALTER ROLE ${quoted} SET search_path = public, ${quoted}`);
  await server.query('SELECT pg_stat_statements_reset()'); // beside the time of making tables its own is none
  await asRole(server, `SET SESSION AUTHORIZATION ${quoted}`, 'SELECT id FROM workflows WHERE size = 7');

  const advised = () => indexTuner({ secret: { uri } }).visit([], { indexAdvice: 'Recommend' });
  const [, grant = ''] = /\((GRANT .*?) lets the operator plan them\)/.exec((await advised()).message) ?? [];
  expect(grant).toContain(`GRANT ${quoted} TO genops`);
  await server.query(grant);
  expect((await advised()).entry.indexes).toMatchObject([{ state: 'Advised', on: 'public.workflows (size)' }]);
}

async function asRole({ host, port }: PostgresServer, ...statements: readonly string[]): Promise<void> {
  const client = new Client({ host, port, user: 'postgres', database: 'postgres' });
  await client.connect();
  for (const sql of statements) await client.query(sql);
  await client.end();
}
