import { describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { autoConf, secretOf, startTuned, tuner } from './postgres-tuner.ts';

/** The role owns the database of the application and has no right on the server: what a managed server gives. */
async function startOwned(version: PostgresServer['version']): Promise<PostgresServer> {
  const server = await startTuned({ version }, { without: ['alterSystem', 'reload', 'seeFiles'] });
  await server.query('ALTER DATABASE postgres OWNER TO genops');
  return server;
}

async function session(server: PostgresServer) {
  const { host, port } = server;
  const client = new Client({ host, port, user: 'postgres', database: 'postgres' });
  await client.connect();
  return {
    valueOf: async (name: string): Promise<unknown> =>
      (await client.query<{ value: string }>('SELECT current_setting($1) AS value', [name])).rows[0]?.value,
    [Symbol.asyncDispose]: () => client.end(),
  };
}

const databaseSettings = async (server: PostgresServer): Promise<unknown> =>
  (await server.query('SELECT setconfig FROM pg_db_role_setting WHERE setrole = 0'))[0]?.['setconfig'];

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('without a right on the server its own database is set: new sessions have it, running ones do not, and that is said', async () => {
    await using server = await startOwned(version);
    await using running = await session(server);
    const { visit, restore } = tuner({ secret: secretOf(server), policy: { parameters: { work_mem: '16MB' } } });

    const visited = await visit();
    expect(visited).toMatchObject({ outcome: 'applied', status: 'True', reason: 'NewSessionsOnly' });
    expect(visited.message).toContain('work_mem is set on database postgres alone (ALTER DATABASE)');
    expect(await running.valueOf('work_mem')).toBe('4MB');
    await using fresh = await session(server);
    expect(await fresh.valueOf('work_mem')).toBe('16MB');
    expect(await autoConf(server)).toBe('');
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'NewSessionsOnly' });

    await server.query("ALTER DATABASE postgres SET work_mem = '5MB'");
    expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Drift'] });

    expect(await restore()).toMatchObject({ outcome: 'applied' });
    expect(await databaseSettings(server)).toBeUndefined();
  });

  test('what only the server can have is told with its GRANT; once granted it goes there, and the database gives its own back', async () => {
    await using server = await startOwned(version);
    await server.query("ALTER DATABASE postgres SET jit = 'on'");
    const parameters = { work_mem: '16MB', jit: 'off', max_wal_size: '2GB' };
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters } });

    const visited = await visit();
    expect(visited).toMatchObject({
      outcome: 'applied',
      fields: ['jit of database postgres', 'work_mem of database postgres'],
      status: 'False',
      reason: 'PermissionDenied',
    });
    const [, grant = ''] = /next: (GRANT ALTER SYSTEM [^.]*)/.exec(visited.message) ?? [];
    expect(grant).toBe('GRANT ALTER SYSTEM ON PARAMETER max_wal_size TO genops');
    await server.query('GRANT EXECUTE ON FUNCTION pg_reload_conf() TO genops');
    await server.query('GRANT ALTER SYSTEM ON PARAMETER max_wal_size, work_mem, jit TO genops');
    await server.query('GRANT SELECT ON pg_file_settings TO genops');

    expect(await visit()).toMatchObject({ outcome: 'applied' });
    expect(await databaseSettings(server)).toEqual(['jit=on']);
    const after = await visit();
    expect(after).toMatchObject({ outcome: 'nothing', status: 'True', reason: 'OverlaidByRole' });
    expect(after.message).toContain('jit = on of database postgres');
  });

  test('what otherwise a superuser sets is set there too, once that is granted', async () => {
    await using server = await startOwned(version);
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { log_lock_waits: 'on' } } });
    await server.query('ALTER SYSTEM SET log_lock_waits = off');
    await server.query('SELECT pg_reload_conf()');
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'PermissionDenied' });
    await server.query('GRANT SET ON PARAMETER log_lock_waits TO genops');
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'NewSessionsOnly' });
    await using fresh = await session(server);
    expect(await fresh.valueOf('log_lock_waits')).toBe('on');
  });

  test('a value that the server refuses is told in its words', async () => {
    await using server = await startOwned(version);
    const visited = await tuner({
      secret: secretOf(server),
      policy: { parameters: { hash_mem_multiplier: '2000', jit: 'off' } },
    }).visit();
    expect(visited).toMatchObject({ outcome: 'refused', reason: 'ConfigRejected' });
    expect(visited.message).toMatch(/outside the valid range.*from main; wanted hash_mem_multiplier = 2000/);
    expect(await databaseSettings(server)).toEqual(['jit=off']);
  });

  test('a database with a hostile name reaches the server as a name and nothing else', async () => {
    await using server = await startOwned(version);
    await server.query('CREATE TABLE kept (n int)');
    const name = `x"; DROP TABLE kept; --`;
    await server.query(`CREATE DATABASE "${name.replaceAll('"', '""')}" OWNER genops`);
    const secret = { uri: secretOf(server).uri.replace(/postgres$/, encodeURIComponent(name)) };
    const { visit, restore } = tuner({ secret, policy: { parameters: { work_mem: '16MB' } } });
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'NewSessionsOnly' });
    expect(await restore()).toMatchObject({ outcome: 'applied' });
    expect(await server.query('SELECT n FROM kept')).toEqual([]);
  });
});

test('where ALTER SYSTEM is switched off for everybody, the database is set all the same', async () => {
  await using server = await startTuned({ version: '18', settings: { allow_alter_system: 'off' } });
  await server.query('ALTER DATABASE postgres OWNER TO genops');
  const parameters = { work_mem: '16MB', max_wal_size: '2GB' };
  const visited = await tuner({ secret: secretOf(server), policy: { parameters } }).visit();
  expect(visited).toMatchObject({ outcome: 'applied', status: 'False', reason: 'AlterSystemOff' });
  expect(visited.message).toContain('work_mem is set on database postgres alone');
  expect(await databaseSettings(server)).toEqual(['work_mem=16MB']);
});
