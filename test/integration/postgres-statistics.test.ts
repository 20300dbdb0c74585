import { describe, expect, test } from '@jest/globals';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { workWithin } from '../../operator/decide/database-server.ts';
import { postgresAddress } from '../../operator/levers/postgresql/address.ts';
import { connectPostgres } from '../../operator/levers/postgresql/connect.ts';
import { readStatistics } from '../../operator/levers/postgresql/statistics.ts';
import { eventually } from '../world/eventually.ts';
import { secretData } from './lever-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

/** As the role of the documentation, on a connection of its own, as at each visit. */
async function statisticsOf(server: PostgresServer) {
  const signal = AbortSignal.timeout(10_000);
  const address = postgresAddress(secretData(secretOf(server)) ?? {}, { namespace: 'ai', name: 'postgres' });
  await using postgres = await connectPostgres(address, signal);
  return await readStatistics(postgres); // before the connection is closed
}

async function known(server: PostgresServer) {
  const statistics = await statisticsOf(server);
  if (statistics.state === 'Unknown') throw new Error(statistics.why);
  return statistics;
}

describe.each(postgresVersions)('the statistics of PostgreSQL %s', (version) => {
  test('are those of all databases, as the role that tunes it may read them', async () => {
    await using server = await startTuned({
      version,
      settings: { work_mem: '64kB', superuser_reserved_connections: '5' },
    });
    const before = await known(server);
    expect(before.connectionsLimit).toBe(95);
    await server.query('CREATE TABLE filled AS SELECT n FROM generate_series(1, 50000) AS n');
    await server.query('SELECT n FROM filled ORDER BY n DESC');
    await eventually(async () => {
      const after = await known(server);
      expect(after.epoch).toBe(before.epoch);
      expect(after.transactions - before.transactions).toBeGreaterThanOrEqual(2);
      expect(after.blocksHit - before.blocksHit).toBeGreaterThan(200);
      expect(after.tempBytes - before.tempBytes).toBeGreaterThan(100_000); // 50 000 numbers do not fit into 64 kB
      expect(after.deadlocks).toBe(0);
    });
  });

  test('count the sessions of clients, whoever they are, and none of the server’s own processes', async () => {
    await using server = await startTuned({ version });
    await eventually(async () => expect((await known(server)).connections).toBe(1)); // ours: those of the test have ended
    const held = server.query('SELECT pg_sleep(600)').catch(() => undefined); // ended with the server
    await eventually(async () => expect((await known(server)).connections).toBe(2));
    await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'");
    await held;
  });

  test('begin anew by a reset and by a crash, and neither is taken for work', async () => {
    await using server = await startTuned({ version });
    await server.query('CREATE DATABASE other');
    const first = await known(server);
    await server.query('SELECT pg_stat_reset()');
    const reset = await known(server);
    await server.kill();
    await server.restart();
    const crashed = await known(server);
    expect(new Set([first.epoch, reset.epoch, crashed.epoch]).size).toBe(3);
    const looks = [first, reset, crashed].map((look, index) => ({ ...look, at: 30_000 * (index + 1) }));
    expect(workWithin(looks, 0)).toBeUndefined();
  });

  test('that the role may not read are unknown, with the reason, and it is tuned all the same', async () => {
    await using server = await startTuned({ version });
    await server.query('REVOKE SELECT ON pg_stat_database FROM PUBLIC');
    expect(await statisticsOf(server)).toEqual({
      state: 'Unknown',
      why: expect.stringMatching(/^saw "permission denied for view pg_stat_database" from .*; wanted .*; next: grant/),
    });
  });
});
