import { describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { indexTuner } from './index-tuner.ts';
import { autoConf, secretOf, startTuned, tuner } from './postgres-tuner.ts';

const valueOf = async (server: PostgresServer, name: string): Promise<unknown> =>
  (await server.query('SELECT current_setting($1) AS value', [name]))[0]?.['value'];

/** What a look asks where nothing is to be done, in order: each once, and no change among it. */
const idleLook: readonly (readonly [kind: string, words: RegExp])[] = [
  ['who answers', /^SELECT pg_catalog\.pg_backend_pid\(\)/],
  ['the session’s own settings', /^SELECT pg_catalog\.set_config\('search_path'/],
  ['facts of the server', /^SELECT .* AS "systemId"/],
  ['its settings', /^SELECT [^;]*FROM pg_catalog\.pg_settings/],
  ['its files', /^SELECT [^;]*FROM pg_catalog\.pg_file_settings/],
  ['values of roles and databases', /^SELECT [^;]*FROM pg_catalog\.pg_db_role_setting/],
  ['what it counts', /^SELECT [^;]*FROM pg_catalog\.pg_stat_database/],
  ['slow statements', /^SELECT [^;]*FROM pg_catalog\.pg_stat_activity/],
];

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('what is declared is in force after one visit, by a role that may do no more than the documentation grants', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    const parameters = {
      work_mem: '16MB',
      checkpoint_timeout: '15min',
      log_lock_waits: 'true',
      random_page_cost: '1.1',
    };
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters } });

    expect(await visit()).toMatchObject({
      outcome: 'applied',
      causes: ['Declared'],
      status: 'True',
      reason: 'Applied',
      message: expect.stringMatching(new RegExp(`^4 parameters of main \\(PostgreSQL ${version}\\.`)),
      entry: { name: 'main', version: expect.stringMatching(new RegExp(`^${version}\\.`)) },
    });
    expect(await valueOf(server, 'work_mem')).toBe('16MB');
    expect(await valueOf(server, 'checkpoint_timeout')).toBe('15min');

    const before = (await server.log()).length;
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
    const asked = statements((await server.log()).slice(before));
    expect(asked.map((sql) => idleLook.find(([, words]) => words.test(sql))?.[0] ?? sql)).toEqual(
      idleLook.map(([kind]) => kind),
    );
  });

  test('a parameter changed by hand is put back and is drift; one that was never in force is none', async () => {
    await using server = await startTuned({ version });
    const { visit } = tuner({
      secret: secretOf(server),
      policy: { parameters: { work_mem: '16MB', max_wal_size: '2GB' } },
    });
    await visit();
    await byHand(server, "ALTER SYSTEM SET work_mem = '5MB'");

    expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Drift'], fields: ['work_mem'] });
    expect(await valueOf(server, 'work_mem')).toBe('16MB');
    expect(await visit({ parameters: { work_mem: '32MB' } })).toMatchObject({ causes: ['Declared'] });
    expect(await visit({ parameters: { work_mem: '32MB' } })).toMatchObject({ outcome: 'nothing' });
  });

  test.each(['with', 'without'])(
    'what only a restart takes waits for one with the old value in force, %s a look into the files',
    async (look) => {
      await using server = await startTuned({ version }, { without: look === 'with' ? [] : ['seeFiles'] });
      const { visit } = tuner({
        secret: secretOf(server),
        policy: { parameters: { max_connections: '120', work_mem: '16MB' } },
      });

      const first = await visit();
      expect(first).toMatchObject({
        outcome: 'applied',
        status: 'True',
        reason: 'PendingRestart',
        entry: { pendingRestart: ['max_connections'] },
      });
      expect(first.message).toContain('max_connections (100 instead of 120)');
      expect(await valueOf(server, 'max_connections')).toBe('100');
      expect(await visit()).toMatchObject({
        outcome: 'nothing',
        reason: 'PendingRestart',
        entry: { pendingRestart: ['max_connections'] },
      });

      await byHand(server, 'ALTER SYSTEM RESET max_connections');
      expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Drift'], reason: 'PendingRestart' });

      await server.restart();
      expect(await valueOf(server, 'max_connections')).toBe('120');
      expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
    },
  );

  test('what would keep the server from starting is never written', async () => {
    await using server = await startTuned({ version });
    const { visit } = tuner({ secret: secretOf(server) });
    const hostile = { shared_buffers: '500GB', max_connections: '3', work_mem: '16MB' };
    const visited = await visit({ parameters: hostile, sizing: { memory: '4Gi', cpus: '2' } });
    expect(visited).toMatchObject({ status: 'False', reason: 'OutOfBounds' });
    expect(visited.message).toMatch(/shared_buffers of main: saw shared memory of 5.*MB/);
    expect(visited.message).toMatch(/max_connections of main: saw max_connections = 3/);
    expect(await autoConf(server)).not.toMatch(/shared_buffers|max_connections/);
    await server.restart();
    expect(await valueOf(server, 'work_mem')).toBe('16MB');
  });

  test('the sizing of a server is a set with which it starts', async () => {
    await using server = await startTuned({ version });
    const { visit } = tuner({ secret: secretOf(server), policy: { sizing: { memory: '1Gi', cpus: '4' } } });
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'PendingRestart' });
    await server.restart();
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
    expect(await valueOf(server, 'shared_buffers')).toBe('256MB');
    expect(await valueOf(server, 'effective_cache_size')).toBe('768MB');
  });

  test('a missing right is named with the GRANT, holds up nothing else, and once granted all goes on', async () => {
    await using server = await startTuned({ version }, { without: ['alterSystem'] });
    await server.query('GRANT ALTER SYSTEM ON PARAMETER work_mem TO genops');
    const parameters = { work_mem: '16MB', max_wal_size: '2GB', checkpoint_timeout: '15min' };
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters } });

    const visited = await visit();
    expect(visited).toMatchObject({
      outcome: 'applied',
      fields: ['work_mem'],
      status: 'False',
      reason: 'PermissionDenied',
    });
    const [, grant = ''] = /next: (GRANT .*)$/.exec(visited.message) ?? [];
    expect(grant).toBe('GRANT ALTER SYSTEM ON PARAMETER checkpoint_timeout, max_wal_size TO genops');
    await server.query(grant);
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
  });

  test('without the right to reload, or to see what is to be put back, nothing is changed', async () => {
    const policy = { parameters: { work_mem: '16MB' } };
    await using one = await startTuned({ version }, { without: ['reload'] });
    const noReload = await tuner({ secret: secretOf(one), policy }).visit();
    expect(noReload).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'PermissionDenied' });
    expect(noReload.message).toContain('in database postgres: GRANT EXECUTE ON FUNCTION pg_reload_conf() TO genops');
    expect(await autoConf(one)).toBe('');

    await using other = await startTuned(
      { version, settings: { work_mem: '5MB' } },
      { without: ['readSettings', 'seeFiles'] },
    );
    const { visit } = tuner({ secret: secretOf(other), policy });
    const visited = await visit();
    expect(visited).toMatchObject({ outcome: 'nothing', reason: 'PermissionDenied' });
    const [, granted = ''] = /next: in database postgres: (GRANT .*)$/.exec(visited.message) ?? [];
    await other.query(granted);
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
  });

  test('statement_timeout, which our own sessions pin, is set and put back as any other', async () => {
    await using server = await startTuned({ version }, { without: ['seeFiles'] });
    await byHand(server, "ALTER SYSTEM SET statement_timeout = '20s'");
    const { visit, restore } = tuner({
      secret: secretOf(server),
      policy: { parameters: { statement_timeout: '30s' } },
    });
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
    expect(await valueOf(server, 'statement_timeout')).toBe('30s');
    await restore();
    expect(await autoConf(server)).toBe("statement_timeout = '20000'\n"); // in the catalogue's words
  });

  test('a value that the server refuses is told in its words, and the others are in force', async () => {
    await using server = await startTuned({ version });
    const { visit } = tuner({
      secret: secretOf(server),
      policy: { parameters: { hash_mem_multiplier: '2000', max_wal_size: '2GB' } },
    });
    for (const fields of [['hash_mem_multiplier', 'max_wal_size'], ['hash_mem_multiplier']]) {
      const visited = await visit();
      expect(visited).toMatchObject({
        outcome: 'refused',
        fields,
        causes: ['Declared'],
        status: 'False',
        reason: 'ConfigRejected',
      });
      expect(visited.message).toMatch(/hash_mem_multiplier.*from main; wanted hash_mem_multiplier = 2000/);
    }
    expect(await valueOf(server, 'max_wal_size')).toBe('2GB');
    expect(await autoConf(server)).not.toContain('hash_mem_multiplier');
  });

  test('hostile values reach the server as literals and nothing else', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await server.query('CREATE TABLE kept (n int)');
    const values = [
      `1MB'; DROP TABLE kept; --`,
      `\\'; DROP TABLE kept; --`,
      `$$; DROP TABLE kept; $$`,
      `%I %L "x"`,
      `1MB' "`,
    ];
    for (const value of values) {
      const visited = await tuner({ secret: secretOf(server), policy: { parameters: { work_mem: value } } }).visit();
      expect(visited).toMatchObject({ outcome: 'refused', reason: 'ConfigRejected' });
    }
    expect(await server.query('SELECT n FROM kept')).toEqual([]);
    const sent = statements(await server.log()).filter((sql) => sql.includes('DROP TABLE'));
    expect(sent).toHaveLength(3);
    for (const sql of sent) expect(sql).toMatch(/^ALTER SYSTEM SET work_mem = E?'(?:[^'\\]|''|\\\\)*'$/);
  });

  test('nobody’s operator stands in for the server’s own, whatever the role’s search_path', async () => {
    await using server = await startTuned({ version });
    await server.query('CREATE SCHEMA trap');
    for (const type of ['name', 'text']) {
      await server.query(
        `CREATE FUNCTION trap.equal(${type}, ${type}) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1'`,
      );
      await server.query(`CREATE OPERATOR trap.= (LEFTARG = ${type}, RIGHTARG = ${type}, FUNCTION = trap.equal)`);
    }
    await server.query('GRANT USAGE ON SCHEMA trap TO genops');
    await server.query('ALTER ROLE genops SET search_path = trap, pg_catalog');
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { work_mem: '16MB' } } });
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
  });

  test('the command line wins, and that is said; nothing is written', async () => {
    await using server = await startTuned({ version, commandLine: { work_mem: '7MB', statement_timeout: '7s' } });
    await server.query("ALTER ROLE postgres SET lock_timeout = '9s'");
    const parameters = { work_mem: '16MB', statement_timeout: '30s', lock_timeout: '0' };
    const visited = await tuner({ secret: secretOf(server), policy: { parameters } }).visit();
    expect(visited).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'SetOnCommandLine' });
    expect(visited.message).toContain('saw work_mem = 7MB on the command line');
    expect(visited.message).toContain('saw statement_timeout = 7s on the command line');
    expect(visited.message).toContain('Besides, lock_timeout = 9s of role postgres wins over what the server has');
    expect(await autoConf(server)).toBe('');
  });

  test('a setting of a role or a database that wins is named', async () => {
    await using server = await startTuned({ version });
    await server.query('CREATE ROLE app LOGIN');
    await server.query("ALTER ROLE app IN DATABASE postgres SET work_mem = '64MB'");
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { work_mem: '16MB' } } });
    expect(await visit()).toMatchObject({
      outcome: 'applied',
      status: 'True',
      reason: 'OverlaidByRole',
      message: expect.stringContaining('work_mem = 64MB of role app in database postgres'),
    });
    expect(await valueOf(server, 'work_mem')).toBe('16MB');
    await server.query('ALTER ROLE app IN DATABASE postgres RESET work_mem');
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
  });

  test.each([
    ['its role', 'ROLE genops'],
    ['its database', 'DATABASE postgres'],
    ['its role in its database', 'ROLE genops IN DATABASE postgres'],
    ['every role', 'ROLE ALL'],
  ])('a value that genops gets as %s does is not taken for the server’s own', async (_, whose) => {
    await using server = await startTuned({ version });
    const parameters = { statement_timeout: '7s', work_mem: '16MB' };
    for (const [name, value] of Object.entries(parameters))
      await server.query(`ALTER ${whose} SET ${name} = '${value}'`);
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters } });
    expect(await visit()).toMatchObject({ outcome: 'applied', status: 'True', reason: 'Applied' });
    expect((await autoConf(server)).trim().split('\n').toSorted()).toEqual([
      "statement_timeout = '7s'",
      "work_mem = '16MB'",
    ]);
    expect(await visit()).toMatchObject({ outcome: 'nothing', status: 'True', reason: 'Applied' });

    await server.query('REVOKE SELECT ON pg_file_settings FROM genops');
    const blind = await visit();
    expect(blind).toMatchObject({ outcome: 'nothing', status: 'Unknown', reason: 'OverlaidByRole' });
    expect(blind.message).toContain('statement_timeout');
  });

  test.each(['with', 'without'] as const)(
    'a setting of its own role does not blind genops %s a look into the files, or it says so',
    async (look) => {
      await using server = await startTuned({ version }, { without: look === 'with' ? [] : ['seeFiles'] });
      await server.query("ALTER ROLE genops SET work_mem = '64MB'");
      const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { work_mem: '16MB' } } });
      const visited = await visit();
      expect(visited).toMatchObject(
        look === 'with'
          ? { outcome: 'applied', status: 'True', reason: 'OverlaidByRole' }
          : { outcome: 'nothing', status: 'Unknown', reason: 'OverlaidByRole' },
      );
      expect(await valueOf(server, 'work_mem')).toBe(look === 'with' ? '16MB' : '4MB');
    },
  );

  test('Restore puts back what stood in postgresql.auto.conf, takes out what did not, and leaves what somebody has changed since', async () => {
    await using server = await startTuned({ version, settings: { maintenance_work_mem: '80MB' } });
    await byHand(server, "ALTER SYSTEM SET work_mem = '5MB'");
    const parameters = { work_mem: '16MB', maintenance_work_mem: '128MB', max_connections: '120', max_wal_size: '2GB' };
    const asFound = { hash_mem_multiplier: '2' };
    const { visit, restore } = tuner({
      secret: secretOf(server),
      policy: { parameters: { ...parameters, ...asFound } },
    });
    await visit();
    await byHand(server, "ALTER SYSTEM SET hash_mem_multiplier = '7'");
    expect(await visit()).toMatchObject({ causes: ['Drift'] });
    await byHand(server, "ALTER SYSTEM SET max_wal_size = '3GB'");

    expect(await restore()).toMatchObject({ outcome: 'applied', status: 'True' });

    expect((await autoConf(server)).trim().split('\n').toSorted()).toEqual([
      "hash_mem_multiplier = '2'",
      "max_wal_size = '3GB'",
      "work_mem = '5MB'",
    ]);
    expect(await valueOf(server, 'work_mem')).toBe('5MB');
    expect(await valueOf(server, 'maintenance_work_mem')).toBe('80MB');
  });

  test('DryRun and a server of another operator are only told about', async () => {
    await using server = await startTuned({ version });
    const options = { secret: secretOf(server), policy: { parameters: { work_mem: '16MB' } } };
    for (const mode of ['DryRun', 'Paused'] as const)
      expect(await tuner({ ...options, mode }).visit()).toMatchObject({
        outcome: 'nothing',
        reason: 'DryRun',
        message: 'Would change work_mem 4MB → 16MB.',
      });
    const clusterRef = { group: 'postgresql.cnpg.io', kind: 'Cluster', name: 'pg' };
    expect(await tuner({ ...options, clusterRef }).visit()).toMatchObject({
      outcome: 'nothing',
      status: 'True',
      reason: 'ReportOnly',
      message: expect.stringContaining('set them in Cluster pg'),
    });
    expect(await autoConf(server)).toBe('');
  });

  test('a server that does not tell its system_identifier is known by its address', async () => {
    await using server = await startTuned({ version });
    await server.query('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { work_mem: '16MB' } } });
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
  });

  test('a connection that was cut between ALTER SYSTEM and reload is made good', async () => {
    await using server = await startTuned({ version });
    const { visit } = tuner({
      secret: secretOf(server),
      policy: { parameters: { work_mem: '16MB', max_connections: '120' } },
    });
    await server.query("ALTER SYSTEM SET work_mem = '16MB'");
    await server.query('ALTER SYSTEM SET max_connections = 120');
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'PendingRestart' });
    expect(await valueOf(server, 'work_mem')).toBe('16MB');
  });
});

test('where every slot is taken a role with reserved ones still tunes, and looks at indexes', async () => {
  const slots = { max_connections: '12', superuser_reserved_connections: '3', reserved_connections: '2' };
  await using server = await startTuned({ version: '18', settings: slots });
  await server.query('CREATE ROLE workload LOGIN');
  const { host, port } = server;
  const login = () => new Client({ host, port, user: 'workload', database: 'postgres' });
  const clients = Array.from({ length: 7 }, login);
  for (const client of clients) await client.connect();
  await expect(login().connect()).rejects.toThrow('remaining connection slots are reserved');
  const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { work_mem: '16MB' } } });
  const indexes = indexTuner({ secret: secretOf(server) });

  expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Busy' });
  expect(await indexes.visit([])).toMatchObject({ outcome: 'nothing', reason: 'Busy' });
  await server.query('GRANT pg_use_reserved_connections TO genops');
  expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
  expect(await indexes.visit([])).toMatchObject({ reason: 'Applied' });
  await Promise.all(clients.map((client) => client.end()));
});

async function byHand(server: PostgresServer, sql: string): Promise<void> {
  await server.query(sql);
  await server.query('SELECT pg_reload_conf()');
}

/** What the role genops was logged to send; the test's own statements are left out by their user. */
const statements = (log: string): readonly string[] =>
  [...log.matchAll(/^genops LOG: {2}(?:statement|execute <unnamed>): (.*(?:\n\t.*)*)/gm)].map(([, sql = '']) =>
    sql.trim(),
  );
