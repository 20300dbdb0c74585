import { describe, expect, test } from '@jest/globals';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { slowest, statementGains, type StatementsSeen } from '../../operator/decide/slow-statements.ts';
import { postgresAddress } from '../../operator/levers/postgresql/address.ts';
import { connectPostgres } from '../../operator/levers/postgresql/connect.ts';
import { readFacts } from '../../operator/levers/postgresql/observe.ts';
import { readStatements } from '../../operator/levers/postgresql/statements.ts';
import { eventually } from '../world/eventually.ts';
import { secretData } from './lever-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

/** As the role of the documentation, on a connection of its own, as at each visit. */
async function statementsOf(server: PostgresServer): Promise<StatementsSeen> {
  const signal = AbortSignal.timeout(10_000);
  const address = postgresAddress(secretData(secretOf(server)) ?? {}, { namespace: 'ai', name: 'postgres' });
  await using postgres = await connectPostgres(address, signal);
  return await readStatements(postgres, await readFacts(postgres), { threshold: '100ms', top: 10 });
}

const slowSince = (older: StatementsSeen, newer: StatementsSeen) =>
  slowest(statementGains(older, newer, 1), { since: 0, thresholdMs: 100, top: 10 });
const loaded = { shared_preload_libraries: 'pg_stat_statements' };
const sleeping = (seconds: string) => `SELECT pg_sleep(${seconds}) WHERE 'SeCrEt' <> ''`;

describe.each(postgresVersions)('the slow statements of PostgreSQL %s', (version) => {
  test('are counted between two looks, over a reset and a crash, and without literals', async () => {
    await using server = await startTuned({ version, settings: loaded });
    await server.query('CREATE SCHEMA "Odd "');
    await server.query('CREATE EXTENSION pg_stat_statements SCHEMA "Odd "');
    const hidden = { state: 'Unknown', why: expect.stringContaining('permission denied for schema Odd') };
    expect(await statementsOf(server)).toEqual(hidden);
    await server.query('GRANT USAGE ON SCHEMA "Odd " TO genops');
    await server.query(sleeping('0.15'));
    const first = await statementsOf(server);
    expect(first).toMatchObject({ state: 'Known', source: 'pg_stat_statements' });

    await server.query(sleeping('0.2'));
    await server.query(sleeping('0.3'));
    await server.query(`DO $$BEGIN PERFORM pg_sleep(0.2); PERFORM 'SeCrEt'; END$$`);
    await server.query('SELECT 1');
    const second = await statementsOf(server);
    const [one, ...others] = slowSince(first, second);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ text: 'SELECT pg_sleep(?) WHERE ? <> ?', calls: 2 });
    expect(one?.meanMs).toBeGreaterThanOrEqual(250);
    expect(one?.maxMs).toBeGreaterThanOrEqual(300);
    expect(JSON.stringify(second)).not.toContain('SeCrEt');

    await server.query('SELECT "Odd ".pg_stat_statements_reset()');
    await server.query(sleeping('0.2'));
    const third = await statementsOf(server);
    expect(slowSince(second, third)).toMatchObject([{ calls: 1 }]);

    await server.kill();
    await server.restart();
    await server.query(sleeping('0.2'));
    expect(slowSince(third, await statementsOf(server))).toMatchObject([{ calls: 1 }]);
  });

  test('are none that we ask of the catalogues ourselves, whoever else has our role', async () => {
    await using server = await startTuned({ version, settings: loaded });
    await server.query('CREATE EXTENSION pg_stat_statements');
    const address = postgresAddress(secretData(secretOf(server)) ?? {}, { namespace: 'ai', name: 'postgres' });
    await using ours = await connectPostgres(address, AbortSignal.timeout(10_000));
    await ours.query('SELECT pg_catalog.pg_sleep(0.2)');
    await ours.query('SELECT pg_sleep(0.2) WHERE 1 < 2');
    await server.query('SELECT pg_catalog.pg_sleep(0.2) WHERE 1 > 0');
    const seen = await statementsOf(server);
    const texts = seen.state === 'Known' ? seen.statements.map(({ text }) => text) : [];
    expect(texts.toSorted()).toEqual(['SELECT pg_catalog.pg_sleep(?) WHERE ? > ?', 'SELECT pg_sleep(?) WHERE ? < ?']);
  });

  test.each([
    { name: 'is not there', settings: {}, create: '' },
    { name: 'is not loaded', settings: {}, create: 'CREATE EXTENSION pg_stat_statements' },
    { name: 'is not in this database', settings: loaded, create: '' },
  ])('are those that run just then, where the extension $name', async ({ settings, create }) => {
    await using server = await startTuned({ version, settings });
    if (create !== '') await server.query(create);
    const nothing = await statementsOf(server);
    expect(nothing).toMatchObject({ state: 'Known', source: 'pg_stat_activity', statements: [] });
    const held = server.query(sleeping('600')).catch(() => undefined); // ended with the server
    await eventually(async () => {
      const [one] = slowSince(nothing, await statementsOf(server));
      expect(one).toMatchObject({ text: 'SELECT pg_sleep(?) WHERE ? <> ?', calls: 1 });
    });
    await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'");
    await held;
  });

  test('that the role may not see are unknown, with the GRANT', async () => {
    await using server = await startTuned({ version, settings: loaded });
    await server.query('CREATE EXTENSION pg_stat_statements');
    await server.query('REVOKE pg_read_all_stats FROM genops');
    const seen = await statementsOf(server);
    expect(seen).toEqual({ state: 'Unknown', why: expect.stringContaining('next: GRANT pg_read_all_stats TO genops') });
  });
});
