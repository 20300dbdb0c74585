import { describe, expect, test } from '@jest/globals';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { session, snapshot, waiting } from './index-sessions.ts';
import { creations, indexesOf, indexTuner, makeTables, wantedIndex } from './index-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('a build that waits in vain is ended, leaves nothing, and is not begun again at once', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server, 1000);
    await using _ = await session(server, ...snapshot);
    const { visit } = indexTuner({ secret: secretOf(server), waitsSeconds: 1800 });
    await visit([wantedIndex]);
    await waiting(server);
    expect(await visit([wantedIndex])).toMatchObject({
      outcome: 'applied',
      fields: ['index workflows_status_created'],
    });
    expect(await indexesOf(server)).toEqual([]);
    const visited = await visit([wantedIndex]);
    expect(visited).toMatchObject({ outcome: 'nothing', reason: 'Failed' });
    expect(visited.message).toContain('saw "half an hour of waiting for one lock"');
    const [, again = ''] = /tried again at (20\S+)/.exec(visited.message) ?? [];
    expect(Date.parse(again)).toBeLessThanOrEqual(Date.now() + 60_000); // the first rest, not the second
    expect(await creations(server)).toHaveLength(1);
  });

  test('a build that stands still and waits for nobody is told, then ended, and leaves nothing', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server, 1000);
    const { visit } = indexTuner({ secret: secretOf(server) });
    const after = (minutes: number) => visit([wantedIndex], { now: minutes * 60_000 });
    let pid = 0;
    {
      await using _ = await session(server, ...snapshot);
      await after(0);
      await waiting(server);
      const [build] = await server.query('SELECT pid FROM pg_stat_progress_create_index');
      pid = Number(build?.['pid']);
      process.kill(pid, 'SIGSTOP');
    }
    expect((await after(0)).message).not.toContain('progress');
    const told = await after(5);
    expect(told).toMatchObject({ outcome: 'nothing', reason: 'IndexBuilding' });
    expect(told.message).toContain('no progress since 1970-01-01T00:00Z');
    expect(told.message).toContain(`see what holds up process ${pid} of the server`);
    expect(await after(29)).toMatchObject({ outcome: 'nothing', reason: 'IndexBuilding' });
    const ended = after(30);
    await eventually(async () => expect(await server.log()).toContain('pg_cancel_backend'));
    process.kill(pid, 'SIGCONT');
    expect(await ended).toMatchObject({ outcome: 'applied', fields: ['index workflows_status_created'] });
    expect(await indexesOf(server)).toEqual([]);
    expect((await after(31)).message).toContain('saw "half an hour without any progress"');
    expect(await creations(server)).toHaveLength(1);
  });

  test('a build that somebody cancels leaves nothing, is said, and is not begun again at once', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server, 1000);
    await using _ = await session(server, ...snapshot);
    const { visit } = indexTuner({ secret: secretOf(server) });
    await visit([wantedIndex]);
    await waiting(server);
    await server.query('SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index');
    await eventually(async () => expect(await indexesOf(server)).toEqual([]));
    const visited = await eventually(async () => {
      const seen = await visit([wantedIndex]);
      expect(seen).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'Failed' });
      return seen;
    });
    expect(visited.message).toMatch(
      /saw "canceling statement due to user request" from the build of .* tried again at 20/,
    );
    expect(await creations(server)).toHaveLength(1);
  });

  test('a build that cannot succeed says why in the server’s words, and how to see it, and leaves nothing', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 10);
    await server.query('INSERT INTO workflows (status) VALUES (NULL), (NULL)');
    const unique = { name: 'one_each', table: 'workflows', columns: [{ name: 'status' }], unique: true };
    const { visit } = indexTuner({ secret: secretOf(server) });
    const said = {
      reason: 'Failed',
      message: expect.stringContaining('could not create unique index "one_each"'),
    };
    expect(await visit([unique])).toMatchObject({
      outcome: 'failed',
      ...said,
      entry: { indexes: [{ state: 'Missing' }] },
    });
    expect(await visit([unique])).toMatchObject({
      outcome: 'nothing',
      ...said,
      entry: { indexes: [{ name: 'one_each', state: 'Failed' }] },
    });
    expect(await indexesOf(server)).toEqual([]);
    const [, sql = 'SELECT'] =
      / database by: (SELECT .*); it is tried again/.exec((await visit([unique])).message) ?? [];
    expect(
      (await server.query(sql)).map(({ status, count }) => `${String(status)} ${String(count)}`).toSorted(),
    ).toEqual(['done 3', 'pending 4', 'running 3']);
  });

  test('a build that finds no room says so, and leaves nothing; where the volume is known it is not begun', async () => {
    await using server = await startTuned({
      version,
      settings: { maintenance_work_mem: '1MB', max_wal_size: '4GB', log_statement: 'all' },
    });
    await makeTables(server, 100_000);
    await server.query("ALTER ROLE genops SET temp_file_limit = '64kB'");
    const bySize = { name: 'by_size', table: 'workflows', columns: [{ name: 'size' }] };
    const known = indexTuner({ secret: secretOf(server), volumeSize: '4Gi' }); // of which the log may take all
    const full = await known.visit([bySize]);
    expect(full).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'DiskFull' });
    expect(full.message).toMatch(/on a volume of 4096 MiB, of which more than 409\d MiB are in use/);
    expect(await creations(server)).toEqual([]);

    const { visit } = indexTuner({ secret: secretOf(server), volumeSize: '8Gi' });
    await visit([bySize]);
    await eventually(async () =>
      expect(await visit([bySize])).toMatchObject({
        reason: 'Failed',
        message: expect.stringContaining('temporary file size exceeds'),
      }),
    );
    expect(await indexesOf(server)).toEqual([]);
  });
});
