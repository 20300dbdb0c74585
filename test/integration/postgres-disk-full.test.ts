import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, rename, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresUser, postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { creations, indexesOf, indexTuner, makeTables } from './index-tuner.ts';
import { autoConf, secretOf, startTuned, tuner } from './postgres-tuner.ts';

const run = promisify(execFile);
const mebibyte = 2 ** 20;

/** Puts one folder of a server on a volume of its own; only root may have one. The server is started again with it. */
async function ontoVolume(server: PostgresServer, path: string) {
  const folder = join(server.folder, path);
  const owner = postgresUser === undefined ? '' : `,uid=${postgresUser.uid},gid=${postgresUser.gid}`;
  await server.stop();
  await rename(folder, `${folder}.before`);
  await mkdir(folder);
  await run('mount', ['-t', 'tmpfs', '-o', `size=512m,mode=0700${owner}`, 'tmpfs', folder]);
  await run('cp', ['-a', `${folder}.before/.`, folder]);
  await server.restart();
  return {
    /** From now on this is all that is left on it. */
    leave: async (bytes: number) => {
      const { blocks, bfree, bsize } = await statfs(folder);
      await run('mount', ['-o', `remount,size=${(blocks - bfree) * bsize + bytes}`, folder]);
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await run('umount', [folder]);
    },
  };
}

/** Until no more than this is left of the files that the log has. */
async function useUpLog(server: PostgresServer, bytes: number): Promise<void> {
  const chunk = 65_536;
  const leftOfLog = async (): Promise<number> => {
    const [log] =
      await server.query(`SELECT 16777216 * (SELECT 1 + count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND name > file_name)::int - file_offset AS left
FROM pg_walfile_name_offset(pg_current_wal_insert_lsn())`);
    return Number(log?.['left']);
  };
  await eventually(async () => {
    const chunks = Math.ceil(((await leftOfLog()) - bytes) / chunk);
    const emit = `SELECT count(pg_logical_emit_message(false, 'used', repeat('x', ${chunk}))) FROM generate_series(1, $1::int)`;
    await server.query(emit, [chunks]);
    expect(await leftOfLog()).toBeLessThan(bytes);
  });
}

const bySize = { name: 'by_size', table: 'workflows', columns: [{ name: 'size' }] }; // 2.2 MB
const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? describe : describe.skip;
if (!isRoot) process.stderr.write('postgres-disk-full is left out: only root may mount a disk that can be filled.\n');
const settings = { log_statement: 'all', min_wal_size: '32MB', autovacuum: 'off' };

asRoot.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('its volume is full: it is said in the server’s words, nothing invalid is left, and once there is room it is built by itself', async () => {
    await using server = await startTuned({ version, settings });
    await makeTables(server, 100_000);
    await using volume = await ontoVolume(server, 'data');
    await volume.leave(mebibyte);
    const { visit } = indexTuner({ secret: secretOf(server) });

    await visit([bySize]);
    const said = await eventually(async () => {
      const visited = await visit([bySize]);
      expect(visited).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'Failed' });
      return visited;
    });
    expect(said.message).toMatch(/saw "could not .*No space left on device.*" from the build of .* tried again at 20/);
    expect(await indexesOf(server)).toEqual([]);
    expect(await server.query(`SELECT count(*)::int AS rows FROM workflows`)).toEqual([{ rows: 100_000 }]);
    expect(await creations(server)).toHaveLength(1); // it rests

    await volume.leave(64 * mebibyte);
    await visit([bySize], { now: Date.now() + 61_000 });
    await eventually(async () => expect(await visit([bySize])).toMatchObject({ reason: 'Applied' }));
    expect(await indexesOf(server)).toMatchObject([{ name: 'by_size', valid: true }]);
    expect(await creations(server)).toHaveLength(2);
  });

  test('its volume is full when a parameter is to be written: it is said in the server’s words, the file stays whole, and once there is room it is written', async () => {
    await using server = await startTuned({ version, settings });
    await using volume = await ontoVolume(server, 'data');
    const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { work_mem: '16MB' } } });
    expect(await visit({ parameters: { jit: 'off' } })).toMatchObject({ outcome: 'applied' });
    const before = await autoConf(server);
    await volume.leave(0);

    const full = await visit();
    expect(full).toMatchObject({ outcome: 'failed', status: 'False', reason: 'Failed' });
    expect(full.message).toMatch(/saw "could not .*No space left on device/);
    expect(await autoConf(server)).toBe(before);
    expect(await server.query('SHOW work_mem')).toEqual([{ work_mem: '4MB' }]);

    await volume.leave(64 * mebibyte);
    expect(await visit()).toMatchObject({ outcome: 'applied', status: 'True', reason: 'Applied' });
    expect(await server.query('SHOW work_mem')).toEqual([{ work_mem: '16MB' }]);
  });

  test('the volume of its log is full, which ends the server: it is said while it is down, and once there is room it is not ended again at once, but built after a rest', async () => {
    await using server = await startTuned({ version, settings: { ...settings, fsync: 'on' } });
    await makeTables(server, 100_000);
    await using volume = await ontoVolume(server, 'data/pg_wal');
    await useUpLog(server, mebibyte);
    await volume.leave(mebibyte);
    const { visit } = indexTuner({ secret: secretOf(server) });

    await visit([bySize]);
    await eventually(async () =>
      expect(await visit([bySize])).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'Unreachable' }),
    );
    expect(await server.log()).toMatch(/PANIC: .*No space left on device/);

    await volume.leave(64 * mebibyte);
    await server.restart();
    const said = await visit([bySize]);
    expect(said).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'Failed' });
    expect(said.message).toMatch(/saw "could not .*No space left on device.*" from the build of/);
    expect(await creations(server)).toHaveLength(1);
    await visit([bySize], { now: Date.now() + 61_000 });
    await eventually(async () => expect(await visit([bySize])).toMatchObject({ reason: 'Applied' }));
    expect(await indexesOf(server)).toMatchObject([{ name: 'by_size', valid: true }]);
    expect(await creations(server)).toHaveLength(2);
  });
});
