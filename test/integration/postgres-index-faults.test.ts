import { describe, expect, test } from '@jest/globals';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { building, session, sessionIn, snapshot, waiting } from './index-sessions.ts';
import { creations, indexesOf, indexTuner, makeTables, wantedIndex } from './index-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';
import { startVisitor } from './index-visitor.ts';

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('a process that is killed again and again within a build: one CREATE, one index, and it says whose it is', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server, 1000);
    await using old = await session(server, ...snapshot);
    for (let kills = version === '18' ? 5 : 2; kills > 0; kills -= 1) {
      await using visitor = startVisitor(server, [wantedIndex]);
      await visitor.says(/"state":"Building","phase":"waiting for old snapshots"/);
      await visitor.kill();
    }
    await old.client.query('COMMIT');
    await eventually(async () => expect(await building(server)).toBeUndefined());

    const { visit } = indexTuner({ secret: secretOf(server) });
    expect(await visit([wantedIndex])).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
    expect(await creations(server)).toHaveLength(1);
    expect(await visit([], { pruneIndexes: 'Owned' })).toMatchObject({ outcome: 'applied' });
    expect(await indexesOf(server)).toEqual([]);
  });

  test('a process that is stopped leaves its build running, and ends', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 1000);
    await using old = await session(server, ...snapshot);
    await using visitor = startVisitor(server, [wantedIndex]);
    await visitor.says(/"state":"Building"/);
    await visitor.stop();
    await waiting(server);
    await old.client.query('COMMIT');
    await eventually(async () => expect(await indexesOf(server)).toMatchObject([{ valid: true }]));
  });

  test('a server that crashes within a build leaves an invalid index, which is built anew', async () => {
    await using server = await startTuned({ version, settings: { fsync: 'on', log_statement: 'all' } });
    await makeTables(server, 1000);
    const { visit } = indexTuner({ secret: secretOf(server) });
    {
      await using _ = await session(server, ...snapshot);
      await visit([wantedIndex]);
      await waiting(server);
      await server.kill();
    }
    expect(await visit([wantedIndex])).toMatchObject({ reason: 'Unreachable' });
    await server.restart();
    expect(await indexesOf(server)).toMatchObject([{ valid: false }]);

    await eventually(async () => expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
    expect(await indexesOf(server)).toMatchObject([{ name: wantedIndex.name, valid: true }]);
    expect(await creations(server)).toHaveLength(2);
  });

  test('time-outs of the role end no build', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 1000);
    const defaults = {
      statement_timeout: '300ms',
      lock_timeout: '200ms',
      idle_in_transaction_session_timeout: '300ms',
    };
    for (const [name, value] of Object.entries(defaults))
      await server.query(`ALTER ROLE genops SET ${name} = '${value}'`);
    if (version === '18') await server.query(`ALTER ROLE genops SET transaction_timeout = '400ms'`);
    await using old = await session(server, ...snapshot);
    const { visit } = indexTuner({ secret: secretOf(server) });
    await visit([wantedIndex]); // two seconds of it
    await waiting(server);
    await old.client.query('COMMIT');
    await eventually(async () => expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
  });

  test('an old transaction is named and waited for before a build, not within', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server);
    await using old = await session(server, ...snapshot);
    const { visit } = indexTuner({ secret: secretOf(server), oldAfterSeconds: 0 });
    const visited = await visit([wantedIndex]);
    expect(visited).toMatchObject({
      outcome: 'nothing',
      reason: 'IndexBuilding',
      entry: { indexes: [{ state: 'Missing' }] },
    });
    expect(visited.message).toMatch(
      new RegExp(
        `saw a transaction \\(pid ${old.pid}\\) of role postgres \\(report, idle in transaction, since 20..-..-..T..:..Z\\); .*pg_terminate_backend\\(${old.pid}\\)$`,
      ),
    );
    expect((await visit([wantedIndex])).message).toBe(visited.message); // nothing to write into status
    await old.client.query('COMMIT');
    expect(await visit([wantedIndex])).toMatchObject({ outcome: 'applied' });
    await eventually(async () => expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
    expect(await creations(server)).toHaveLength(1);
  });

  test('a session that writes to another table holds up nothing; one that writes to this one does, prepared or not', async () => {
    await using server = await startTuned({ version, settings: { max_prepared_transactions: '2' } });
    await makeTables(server);
    await server.query('CREATE TABLE elsewhere (n int)');
    await using _ = await session(server, 'BEGIN', 'INSERT INTO elsewhere VALUES (1)');
    const { visit } = indexTuner({ secret: secretOf(server), oldAfterSeconds: 0 });
    {
      await using writer = await session(server, 'BEGIN', "INSERT INTO workflows (status) VALUES ('new')");
      expect((await visit([wantedIndex])).message).toContain(`(pid ${writer.pid})`);
      await writer.client.query("PREPARE TRANSACTION 'batch-7'");
    }
    expect((await visit([wantedIndex])).message).toContain(`ROLLBACK PREPARED 'batch-7'`);
    await server.query("COMMIT PREPARED 'batch-7'");
    await visit([wantedIndex]);
    await eventually(async () => expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
  });

  test('a migration tool that waits in pg_advisory_lock within a build is named, is no deadlock, and the build goes on after it', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 1000);
    await using first = await session(server, 'SELECT pg_advisory_lock(42)');
    await using second = await session(server);
    const migration = second.client.query('SELECT pg_advisory_lock(42)');
    await eventually(async () =>
      expect(await server.query(`SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).toHaveLength(
        1,
      ),
    );
    const { visit } = indexTuner({ secret: secretOf(server) });
    await visit([wantedIndex]);
    await waiting(server);
    const visited = await visit([wantedIndex]);
    expect(visited).toMatchObject({
      reason: 'IndexBuilding',
      entry: { indexes: [{ phase: 'waiting for old snapshots' }] },
    });
    expect(visited.message).toContain(`it waits for pid ${second.pid} of role postgres (report, active, since `);
    await first.client.query('SELECT pg_advisory_unlock(42)');
    await migration;
    await eventually(async () => expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
  });

  test('a table that somebody has locked is not queued for', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server);
    await using holder = await session(server, 'BEGIN', 'LOCK TABLE workflows IN SHARE UPDATE EXCLUSIVE MODE');
    const { visit } = indexTuner({ secret: secretOf(server) });
    expect(await visit([wantedIndex])).toMatchObject({ outcome: 'nothing' });
    expect((await visit([wantedIndex])).message).toContain('saw public.workflows locked by somebody');
    expect(await creations(server)).toEqual([]);
    await holder.client.query('COMMIT');
  });

  test('another operator’s build in the database is waited for, without waiting in its lock', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server);
    await using other = await session(server, `SELECT pg_advisory_lock(x'67656e6f'::int, x'70730001'::int)`);
    const { visit } = indexTuner({ secret: secretOf(server) });
    expect(await visit([wantedIndex])).toMatchObject({ outcome: 'nothing' });
    expect((await visit([wantedIndex])).message).toContain('saw another build of genops in database postgres');
    expect(await server.query('SELECT pid FROM pg_locks WHERE NOT granted')).toEqual([]);
    expect(await creations(server)).toEqual([]);
    await other.client.query('SELECT pg_advisory_unlock_all()');
  });

  test('a reader keeps an index from being dropped: that is said, and the index goes once the reader has ended', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 100);
    const { visit, restore } = indexTuner({ secret: secretOf(server) });
    await visit([wantedIndex]);
    await eventually(async () => expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
    await using reader = await session(server, 'BEGIN', 'SELECT status FROM workflows');
    const held = {
      outcome: 'failed',
      reason: 'Failed',
      message: expect.stringContaining(
        `saw the table of index public.${wantedIndex.name} read or locked by a transaction (pid ${reader.pid})`,
      ),
    };
    expect(await visit([], { pruneIndexes: 'Owned' })).toMatchObject(held);
    expect(await restore()).toMatchObject(held);
    await reader.client.query('COMMIT');
    expect(await restore()).toMatchObject({ outcome: 'applied', status: 'True' });
    expect(await indexesOf(server)).toEqual([]);
  });

  test('an index that somebody makes between look and act, in the place of an invalid one of ours, stays his', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 100);
    let meanwhile = (): Promise<unknown> => Promise.resolve();
    const { visit, restore } = indexTuner({ secret: secretOf(server), betweenLookAndAct: () => meanwhile() });
    await visit([wantedIndex]);
    await eventually(async () => expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
    await server.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${wantedIndex.name}'::regclass`);
    meanwhile = async () => {
      await server.query(`DROP INDEX ${wantedIndex.name}`);
      await server.query(`CREATE INDEX ${wantedIndex.name} ON workflows (size)`);
    };
    expect(await visit([wantedIndex], { mode: 'Paused' })).toMatchObject({ outcome: 'nothing' });
    meanwhile = () => Promise.resolve();
    await restore();
    expect(await indexesOf(server)).toMatchObject([{ name: wantedIndex.name, valid: true }]);
  });

  test('a build in a database that no index is declared in any more is ended there', async () => {
    await using server = await startTuned({ version });
    await makeTables(server);
    await server.query('CREATE DATABASE shop OWNER app');
    await using owner = await sessionIn(
      'shop',
      server,
      'CREATE TABLE orders (status text)',
      'ALTER TABLE orders OWNER TO app',
      'GRANT CREATE ON SCHEMA public TO app',
    );
    await using _ = await sessionIn('shop', server, ...snapshot);
    const { visit } = indexTuner({ secret: secretOf(server) });
    await visit([{ name: 'in_shop', database: 'shop', table: 'orders', columns: [{ name: 'status' }] }]);
    await waiting(server);
    expect(await visit([])).toMatchObject({ outcome: 'applied', fields: ['index in_shop'] });
    expect(await building(server)).toBeUndefined();
    expect((await owner.client.query(`SELECT FROM pg_class WHERE relname = 'in_shop'`)).rowCount).toBe(0);
  });

  test.each(['Paused', 'DryRun'] as const)('%s ends a build and leaves nothing of it', async (mode) => {
    await using server = await startTuned({ version });
    await makeTables(server, 1000);
    await using old = await session(server, ...snapshot);
    const { visit } = indexTuner({ secret: secretOf(server) });
    await visit([wantedIndex]);
    await waiting(server);
    expect(await visit([wantedIndex], { mode })).toMatchObject({
      outcome: 'applied',
      fields: ['index workflows_status_created'],
    });
    expect(await building(server)).toBeUndefined();
    expect(await indexesOf(server)).toEqual([]);
    expect(await visit([wantedIndex], { mode })).toMatchObject({
      outcome: 'nothing',
      reason: 'DryRun',
      message: 'Would change index workflows_status_created = btree (status, created_at) of public.workflows, partial.',
    });
    await old.client.query('COMMIT');
    await visit([wantedIndex]); // on again: that it was ended is no failure
    await eventually(async () => expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
  });

  test('Restore ends what is being built and drops what was', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 1000);
    await server.query('CREATE INDEX theirs ON workflows (size)');
    const second = { name: 'second', table: 'workflows', columns: [{ name: 'id' }, { name: 'size' }] };
    const { visit, restore } = indexTuner({ secret: secretOf(server) });
    await visit([wantedIndex]);
    await eventually(async () => expect(await visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
    await using _ = await session(server, ...snapshot);
    await visit([wantedIndex, second]);
    await waiting(server);
    expect(await restore()).toMatchObject({ outcome: 'applied', status: 'True' });
    expect(await indexesOf(server)).toMatchObject([{ name: 'theirs' }]);
    expect(await restore()).toMatchObject({ outcome: 'nothing', status: 'True' });
  });

  test('somebody else’s build of the same index is waited for, and its index not dropped though it is not valid yet', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server, 1000);
    await using old = await session(server, ...snapshot);
    await using migration = await session(server);
    const built = migration.client.query(
      `CREATE INDEX CONCURRENTLY workflows_status_created ON workflows (status, created_at) WHERE status IN ('running', 'pending')`,
    );
    await waiting(server);
    const { visit } = indexTuner({ secret: secretOf(server) });
    expect(await visit([wantedIndex])).toMatchObject({ outcome: 'nothing', reason: 'IndexBuilding' });
    expect(await visit([wantedIndex], { mode: 'Paused' })).toMatchObject({ outcome: 'nothing' }); // not ours to end
    await old.client.query('COMMIT');
    await built;
    expect(await visit([wantedIndex])).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
    expect(await creations(server)).toEqual([]);
    await visit([], { pruneIndexes: 'Owned' });
    expect(await indexesOf(server)).toHaveLength(1); // nor to drop
  });
});
