import { describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { startStandby } from './postgres-standby.ts';
import { autoConf, secretOf, startTuned, tuner } from './postgres-tuner.ts';

const connections = (figure: number) => ({ parameters: { max_connections: String(figure) } });
const inForce = async (server: PostgresServer) => (await server.query('SHOW max_connections'))[0]?.['max_connections'];
const isFollowed = (server: PostgresServer) =>
  eventually(async () =>
    expect(await server.query('SELECT state FROM pg_stat_replication')).toEqual([{ state: 'streaming' }]),
  );

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('a primary and its standby get more connections, the standby first, and fewer, the primary first: both start again each time', async () => {
    await using primary = await startTuned({ version });
    await using standby = await startStandby(primary);
    const alone = tuner({ secret: secretOf(primary) });
    const unknown = await alone.visit(connections(120));
    expect(unknown).toMatchObject({ outcome: 'nothing', reason: 'OutOfBounds' });
    expect(unknown.message).toContain('a primary with 1 standby, of which spec.postgres names 0;');

    const { visit } = tuner({ secret: secretOf(primary), standby: secretOf(standby) });
    const tooEarly = await visit(connections(120));
    expect(tooEarly).toMatchObject({ outcome: 'nothing', reason: 'OutOfBounds' });
    expect(tooEarly.message).toContain('one of which has 100;');
    expect(await autoConf(primary)).not.toContain('max_connections');
    expect(await autoConf(standby)).toContain("max_connections = '120'");

    await standby.restart();
    await isFollowed(primary);
    expect(await visit(connections(120))).toMatchObject({ outcome: 'applied', reason: 'PendingRestart' });
    await primary.restart();
    await isFollowed(primary);
    expect([await inForce(primary), await inForce(standby)]).toEqual(['120', '120']);

    expect(await visit(connections(60))).toMatchObject({ outcome: 'applied', reason: 'PendingRestart' });
    expect(await autoConf(standby)).toContain("max_connections = '120'");
    await primary.restart();
    await isFollowed(primary);
    await primary.query('CREATE TABLE written (n int)'); // the standby has replayed what was before it
    await eventually(async () => {
      await visit(connections(60));
      expect(await autoConf(standby)).toContain("max_connections = '60'");
    });
    await standby.restart();
    await isFollowed(primary);
    expect([await inForce(primary), await inForce(standby)]).toEqual(['60', '60']);
  });
});

test.each([
  {
    name: 'a subscriber to the changes of a database',
    replication: 'database',
    command: `START_REPLICATION SLOT theirs LOGICAL 0/0 (proto_version '1', publication_names 'none')`,
    state: 'streaming',
  },
  { name: 'a backup', replication: 'true', command: `BASE_BACKUP (CHECKPOINT 'fast', MAX_RATE 32)`, state: 'backup' },
])('$name has no parameters of its own: it is no standby', async ({ replication, command, state }) => {
  await using primary = await startTuned({ version: '18', settings: { wal_level: 'logical' } });
  await primary.query(`SELECT pg_create_logical_replication_slot('theirs', 'pgoutput')`);
  const { host, port } = primary;
  const options = { host, port, user: 'postgres', database: 'postgres', replication };
  const client = new Client(options);
  client.on('error', () => undefined);
  await client.connect();
  void client.query(command).catch(() => undefined); // until the server ends
  await eventually(async () =>
    expect(await primary.query('SELECT state FROM pg_stat_replication')).toEqual([{ state }]),
  );
  expect(await tuner({ secret: secretOf(primary) }).visit(connections(120))).toMatchObject({
    outcome: 'applied',
    reason: 'PendingRestart',
  });
  expect(await primary.query('SELECT state FROM pg_stat_replication')).toEqual([{ state }]);
});
