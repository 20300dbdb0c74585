import { describe, expect, test } from '@jest/globals';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { session, snapshot, waiting } from './index-sessions.ts';
import { indexesOf, indexTuner, makeTables, wantedIndex } from './index-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

const reading = [...snapshot, 'SELECT FROM workflows LIMIT 1'] as const;

/** A process that does not answer, for as long as this is held: one that stays stopped outlives its server and its test. */
function stopped(pid: number): Disposable {
  process.kill(pid, 'SIGSTOP');
  return { [Symbol.dispose]: () => void process.kill(pid, 'SIGCONT') };
}

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('Restore drops what nobody holds, leaves valid what an open transaction has read, and names each with who it is', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 100);
    await server.query('CREATE TABLE others (size int)');
    await server.query('ALTER TABLE others OWNER TO app');
    const bySize = { name: 'by_size', table: 'workflows', columns: [{ name: 'size' }] };
    const others = { name: 'others_size', table: 'others', columns: [{ name: 'size' }] };
    const { visit, restore } = indexTuner({ secret: secretOf(server) });
    await eventually(async () =>
      expect(await visit([wantedIndex, bySize, others])).toMatchObject({ reason: 'Applied', outcome: 'nothing' }),
    );

    const holder = await session(server, 'BEGIN', 'SELECT FROM workflows LIMIT 1');
    const held = await restore();
    expect(held).toMatchObject({ outcome: 'failed', reason: 'Failed' });
    for (const index of ['public.by_size', 'public.workflows_status_created']) expect(held.message).toContain(index);
    expect(held.message).toContain(`a transaction (pid ${holder.pid}) of role postgres (report`);
    expect(held.message).toContain('DROP INDEX CONCURRENTLY "public"."by_size"');
    expect(await indexesOf(server)).toMatchObject([
      { name: 'by_size', valid: true },
      { name: 'workflows_status_created', valid: true },
    ]);
    expect(await indexesOf(server, 'others')).toEqual([]);

    await holder.client.end();
    expect(await restore()).toMatchObject({ outcome: 'applied' });
    expect(await indexesOf(server)).toEqual([]);
  });

  test('a prepared transaction that has read the table is named too, and its index stays valid', async () => {
    await using server = await startTuned({ version, settings: { max_prepared_transactions: '5' } });
    await makeTables(server, 100);
    const { visit, restore } = indexTuner({ secret: secretOf(server) });
    await eventually(async () =>
      expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied', outcome: 'nothing' }),
    );
    {
      await using _ = await session(server, 'BEGIN', 'SELECT FROM workflows LIMIT 1', "PREPARE TRANSACTION 'report'");
    }
    expect((await restore()).message).toContain('the prepared transaction report of role postgres');
    expect(await indexesOf(server)).toMatchObject([{ valid: true }]);
    await server.query("ROLLBACK PREPARED 'report'");
    expect(await restore()).toMatchObject({ outcome: 'applied' });
  });

  test('of a service that is gone, what its ended build has left is dropped once the transaction that held it has ended', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 1000);
    const { visit, forget } = indexTuner({ secret: secretOf(server) });
    {
      await using _ = await session(server, ...reading);
      await visit([wantedIndex]);
      await waiting(server);
      expect(await forget()).toEqual([
        expect.stringMatching(/public\.workflows_status_created .*; it is tried again for a day, and then left to you/),
      ]);
      expect(await indexesOf(server)).toMatchObject([{ valid: false }]);
      expect(await forget()).toHaveLength(1);
    }
    await eventually(async () => expect(await forget()).toEqual([]));
    expect(await indexesOf(server)).toEqual([]);
  });

  test('a build on a server that does not answer is told with what to do, and ended once it answers', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 1000);
    const { visit, forget } = indexTuner({ secret: secretOf(server) });
    await using holder = await session(server, ...reading);
    await visit([wantedIndex]);
    await waiting(server);
    const byHand = 'left to you: DROP INDEX CONCURRENTLY "public"."workflows_status_created"';
    {
      using _ = stopped(server.pid());
      expect(await forget()).toEqual([
        expect.stringMatching(
          /^\w+ of 127\.0\.0\.1:\d+: saw no answer from .*; next: it is tried again for a day, and then /,
        ),
      ]);
      expect(await forget({ isLast: true })).toEqual([expect.stringMatching(`; next: it is ${byHand}$`)]);
    }

    const pid = Number((await server.query('SELECT pid FROM pg_stat_progress_create_index'))[0]?.['pid']);
    {
      using _ = stopped(pid);
      expect(await forget()).toEqual([expect.stringContaining('saw its build go on 10 s after it was cancelled')]);
    }
    expect(await forget()).toEqual([expect.stringContaining(`a transaction (pid ${holder.pid})`)]);
  });

  test('an invalid index that has come in the place of what a build left is somebody’s, and stays', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 1000);
    const { visit, forget } = indexTuner({ secret: secretOf(server) });
    {
      await using _ = await session(server, ...reading);
      await visit([wantedIndex]);
      await waiting(server);
      expect(await forget()).toHaveLength(1);
    }
    await server.query('DROP INDEX workflows_status_created');
    await server.query('CREATE INDEX workflows_status_created ON workflows (status)');
    await server.query(
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'workflows_status_created'::regclass",
    );
    expect(await forget()).toEqual([]);
    expect(await indexesOf(server)).toMatchObject([{ valid: false }]);
  });
});
