import { execFile } from 'node:child_process';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startPostgres, type PostgresServer } from '../../hack/servers/postgres.ts';
import { eventually } from '../world/eventually.ts';

const run = promisify(execFile);

/** A standby that follows the primary, made of its data; the primary is away for a moment. */
export async function startStandby(primary: PostgresServer): Promise<PostgresServer> {
  const standby = await startPostgres({ version: primary.version });
  const data = join(standby.folder, 'data');
  await standby.stop();
  await primary.stop();
  await run('find', [`${data}/`, '-mindepth', '1', '-delete']);
  await run('cp', ['-a', `${primary.folder}/data/.`, data]); // whose files they are too
  await primary.restart();
  await appendFile(
    join(data, 'postgresql.conf'),
    `port = '${standby.port}'\nprimary_conninfo = 'host=${primary.host} port=${primary.port} user=postgres'\n`,
  );
  await writeFile(join(data, 'standby.signal'), '');
  await standby.restart();
  await eventually(async () =>
    expectStreaming(await primary.query("SELECT FROM pg_stat_replication WHERE state = 'streaming'")),
  );
  return standby;
}

function expectStreaming(rows: readonly unknown[]): void {
  if (rows.length !== 1) throw new Error(`${rows.length} standbys follow the primary`);
}

/** All that the primary has written by now. */
export async function caughtUp(primary: PostgresServer, standby: PostgresServer): Promise<void> {
  const [now] = await primary.query('SELECT pg_current_wal_flush_lsn()::text AS lsn');
  await eventually(async () => {
    const [row] = await standby.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS has', [now?.['lsn']]);
    if (row?.['has'] !== true) throw new Error('the standby is behind');
  });
}
