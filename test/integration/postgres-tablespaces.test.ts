import { expect, test } from '@jest/globals';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresUser } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { indexTuner, makeTables } from './index-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

async function makeTablespace(server: PostgresServer, name: string): Promise<void> {
  const folder = join(server.folder, name);
  await mkdir(folder);
  if (postgresUser !== undefined) await chown(folder, postgresUser.uid, postgresUser.gid);
  await server.query(`CREATE TABLESPACE ${name} LOCATION '${folder}'`);
}

const by = (column: string) => ({ name: `by_${column}`, table: 'workflows', columns: [{ name: column }] });
/** As the catalogue has it, until the table is looked at again. */
const seemLarge = (server: PostgresServer) =>
  server.query(`UPDATE pg_class SET relpages = 2 ^ 17 WHERE relname = 'workflows'`);

test('what lies on another disk takes no room of the volume of the data, and what is built there needs none of it', async () => {
  await using server = await startTuned({ settings: { max_wal_size: '64MB', min_wal_size: '32MB' } });
  await makeTables(server, 100_000);
  await makeTablespace(server, 'fast');
  await server.query(
    `CREATE UNLOGGED TABLE archive TABLESPACE fast AS SELECT repeat('x', 1000) AS text FROM generate_series(1, 80000)`,
  );
  const { visit } = indexTuner({ secret: secretOf(server), volumeSize: '160Mi' }); // of which the data has 40 and the log may have 64
  await eventually(async () => expect(await visit([by('size')])).toMatchObject({ reason: 'Applied' }));

  const full = indexTuner({ secret: secretOf(server), volumeSize: '80Mi' });
  expect(await full.visit([by('size'), by('created_at')])).toMatchObject({ outcome: 'nothing', reason: 'DiskFull' });
  await server.query('GRANT CREATE ON TABLESPACE fast TO app');
  await server.query(`ALTER ROLE genops SET default_tablespace = 'fast'`);
  await seemLarge(server);
  const begun = await full.visit([by('size'), by('created_at')]);
  expect(begun.message).toContain('nobody knows whether there is room for it in the tablespace fast');
  await eventually(async () =>
    expect(await full.visit([by('size'), by('created_at')])).toMatchObject({ reason: 'Applied' }),
  );
  expect(await server.query(`SELECT tablename, tablespace FROM pg_indexes WHERE indexname = 'by_created_at'`)).toEqual([
    { tablename: 'workflows', tablespace: 'fast' },
  ]);
});

test('a role that may not ask what is in use is told the grant, and the index is built', async () => {
  await using server = await startTuned({});
  await makeTables(server, 1000);
  await server.query('REVOKE pg_read_all_stats FROM genops');
  await seemLarge(server);
  const { visit } = indexTuner({ secret: secretOf(server), volumeSize: '4Gi' });
  const begun = await visit([by('size')]);
  expect(begun.message).toContain('how much is in use there: GRANT pg_read_all_stats TO genops');
  await eventually(async () => expect(await visit([by('size')])).toMatchObject({ reason: 'Applied' }));
});
