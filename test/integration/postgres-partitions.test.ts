import { describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { creations, indexTuner, makeTables, type Indexes } from './index-tuner.ts';
import { startVisitor } from './index-visitor.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

const byStatus = {
  name: 'events_status',
  table: 'events',
  columns: [{ name: 'status' }],
  where: [{ column: 'status', operator: 'In', values: ['open', 'late'] }],
} satisfies Indexes[number];

/** Three partitions that hold rows, two of them below one that is partitioned itself. */
async function makePartitions(server: PostgresServer): Promise<void> {
  await makeTables(server);
  for (const sql of [
    'CREATE TABLE events (at date, kind text, status text) PARTITION BY RANGE (at)',
    "CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    "CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind)",
    "CREATE TABLE events_new_a PARTITION OF events_new FOR VALUES IN ('a')",
    'CREATE TABLE events_new_b PARTITION OF events_new DEFAULT',
    ...['events', 'events_old', 'events_new', 'events_new_a', 'events_new_b'].map(
      (table) => `ALTER TABLE ${table} OWNER TO app`,
    ),
    `INSERT INTO events SELECT date '2025-12-01' + n % 60, (ARRAY['a', 'b'])[1 + n % 2], 'open' FROM generate_series(1, 600) n`,
  ])
    await server.query(sql);
}

/** Of the tree: each index with its table, what it is a part of, and whether it is valid. */
const tree = (server: PostgresServer) =>
  server.query(`SELECT i.indrelid::regclass::text AS table, coalesce(h.inhparent::regclass::text, '') AS parent, i.indisvalid AS valid
FROM pg_index i LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
WHERE i.indrelid IN (SELECT 'events'::regclass UNION SELECT relid FROM pg_partition_tree('events'::regclass)) ORDER BY 1, 2`);
const whole = [
  { table: 'events', parent: '', valid: true },
  { table: 'events_new', parent: 'events_status', valid: true },
  { table: 'events_new_a', parent: 'events_status_events_new', valid: true },
  { table: 'events_new_b', parent: 'events_status_events_new', valid: true },
  { table: 'events_old', parent: 'events_status', valid: true },
];

async function snapshotOn({ host, port }: PostgresServer) {
  const client = new Client({ host, port, user: 'postgres', database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT 1');
  return { end: () => client.query('COMMIT'), [Symbol.asyncDispose]: () => client.end() };
}
const waiting = (server: PostgresServer) =>
  eventually(async () =>
    expect(await server.query('SELECT phase FROM pg_stat_progress_create_index')).toEqual([
      { phase: 'waiting for old snapshots' },
    ]),
  );

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('an index on a partitioned table is built partition by partition, concurrently, and becomes valid as a whole', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makePartitions(server);
    await server.query("CREATE INDEX by_hand ON events_old (status) WHERE status IN ('open', 'late')");
    const { visit, restore } = indexTuner({ secret: secretOf(server) });

    expect(await visit([byStatus])).toMatchObject({
      outcome: 'applied',
      reason: 'IndexBuilding',
      entry: { indexes: [{ name: 'events_status', state: 'Building', partitions: { done: 0, of: 3 } }] },
    });
    await eventually(async () => expect(await visit([byStatus])).toMatchObject({ reason: 'Applied' }));
    expect(await tree(server)).toEqual(whole);
    expect(await creations(server)).toHaveLength(2); // what was there is a part of it
    expect(await server.log()).not.toMatch(/^genops .*CREATE INDEX (?!CONCURRENTLY|.* ON ONLY |.*genops_form)/m);
    expect(await visit([byStatus])).toMatchObject({ outcome: 'nothing', entry: { indexes: [{ state: 'Valid' }] } });

    await server.query("CREATE TABLE events_next PARTITION OF events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')");
    expect(await tree(server)).toContainEqual({ table: 'events_next', parent: 'events_status', valid: true });
    await server.query('CREATE TABLE events_later (LIKE events)');
    await server.query(
      "ALTER TABLE events ATTACH PARTITION events_later FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')",
    );
    await server.query('CREATE TABLE events_told (LIKE events)');
    await server.query("CREATE INDEX by_somebody ON events_told (status) WHERE status IN ('open', 'late')");
    await server.query(
      "ALTER TABLE events ATTACH PARTITION events_told FOR VALUES FROM ('2031-01-01') TO ('2032-01-01')",
    );
    expect(await visit([byStatus])).toMatchObject({ outcome: 'nothing', reason: 'Applied' });

    const held = {
      outcome: 'failed',
      reason: 'Failed',
      message: expect.stringContaining(
        'parts of public.events_status what genops has not built: public.by_hand, public.by_somebody;',
      ),
    };
    expect(await visit([], { pruneIndexes: 'Owned' })).toMatchObject(held);
    expect(await restore()).toMatchObject(held);
    expect(await tree(server)).toHaveLength(whole.length + 3);

    const [marked] = await server.query("SELECT obj_description('events_status'::regclass) AS comment");
    const ours = String(marked?.['comment']);
    await server.query(
      `DO $$ BEGIN EXECUTE (SELECT string_agg(format('COMMENT ON INDEX %I IS %L;', name, obj_description('events_status'::regclass)), ' ')
FROM unnest(ARRAY['by_hand', 'by_somebody']) AS name); END $$`,
    );
    expect(await visit([], { pruneIndexes: 'Owned' })).toMatchObject({
      outcome: 'applied',
      fields: ['index events_status'],
    });
    expect(await tree(server)).toEqual([]);

    await server.query(`BEGIN; CREATE INDEX restored ON ONLY events (kind); CREATE INDEX restored_old ON events_old (kind);
ALTER INDEX restored ATTACH PARTITION restored_old; COMMENT ON INDEX restored IS '${ours}'; COMMIT`); // a dump may be read back so
    expect(await visit([], { pruneIndexes: 'Owned' })).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('parts of public.restored what genops has not built: public.restored_old;'),
    });
    await server.query('DROP INDEX restored');
    await server.query('DROP TABLE events_next, events_later, events_told'); // a superuser's
    const hostile = `x"'; DROP TABLE workflows; --`;
    await server.query(
      `CREATE TABLE "${hostile.replace('"', '""')}" PARTITION OF events FOR VALUES FROM ('2028-01-01') TO ('2029-01-01')`,
    );
    await server.query(`ALTER TABLE "${hostile.replace('"', '""')}" OWNER TO app`);
    await eventually(async () => expect(await visit([byStatus])).toMatchObject({ reason: 'Applied' }));
    expect(
      await server.query(`SELECT FROM pg_class WHERE relname IN ('workflows', $1)`, [`events_status_${hostile}`]),
    ).toHaveLength(2);
  });

  test('what is killed in the middle is found again and goes on; Paused ends the partition that is being built, and keeps those that are done', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makePartitions(server);
    const { visit, restore } = indexTuner({ secret: secretOf(server) });
    {
      await using old = await snapshotOn(server);
      await using visitor = startVisitor(server, [byStatus]);
      await visitor.says(/"state":"Building","phase":"waiting for old snapshots"/);
      await visitor.kill();
      const said = await visit([byStatus]);
      expect(said).toMatchObject({
        outcome: 'nothing',
        reason: 'IndexBuilding',
        entry: { indexes: [{ state: 'Building', partitions: { done: 0, of: 3 } }] },
      });
      expect(said.message).toContain('being built, on 0 of 3 partitions; events_status_events_');
      await old.end();
    }
    await eventually(async () => expect(await visit([byStatus])).toMatchObject({ reason: 'Applied' }));
    expect(await creations(server)).toHaveLength(3);

    await server.query('DROP INDEX events_status');
    await server.query('CREATE INDEX kept ON ONLY events (kind)');
    await using _ = await snapshotOn(server);
    await visit([byStatus]);
    await waiting(server);
    expect(await visit([byStatus], { mode: 'Paused' })).toMatchObject({ outcome: 'applied' });
    expect(await server.query('SELECT phase FROM pg_stat_progress_create_index')).toEqual([]);
    expect(await tree(server)).toContainEqual({ table: 'events', parent: '', valid: false });
    expect(await visit([byStatus], { mode: 'Paused' })).toMatchObject({ outcome: 'nothing', reason: 'DryRun' });
    expect(await restore()).toMatchObject({ outcome: 'applied', status: 'True' });
    expect(await tree(server)).toEqual([{ table: 'events', parent: '', valid: false }]); // kept is somebody else's
  });

  test('what the server does not take, a lock and a partition of somebody else are said, and nothing is left half', async () => {
    await using server = await startTuned({ version });
    await makePartitions(server);
    const { visit } = indexTuner({ secret: secretOf(server) });
    const unique = { name: 'one_each', table: 'events', columns: [{ name: 'status' }], unique: true };
    expect(await visit([unique])).toMatchObject({
      outcome: 'failed',
      reason: 'ConfigRejected',
      message: expect.stringContaining('must include all partitioning columns'),
    });
    const locking = new Client({ host: server.host, port: server.port, user: 'postgres', database: 'postgres' });
    await locking.connect();
    await locking.query('BEGIN');
    await locking.query('LOCK TABLE ONLY events IN ROW EXCLUSIVE MODE');
    expect(await visit([byStatus])).toMatchObject({
      outcome: 'failed',
      reason: 'IndexBuilding',
      message: expect.stringContaining('locked by somebody for more than 1 s'),
    });
    await locking.query('ROLLBACK');
    expect(await tree(server)).toEqual([]);

    await locking.query('BEGIN');
    await locking.query('LOCK TABLE events_new_a IN SHARE MODE'); // the first of three
    expect(await visit([byStatus])).toMatchObject({ outcome: 'applied' });
    expect((await tree(server)).map(({ table }) => table)).toEqual(['events', 'events_new']);
    expect(await visit([byStatus])).toMatchObject({
      outcome: 'nothing',
      message: expect.stringContaining('saw public.events_new_a locked by somebody for more than 2 s'),
    });
    await locking.end();

    await server.query('CREATE ROLE stranger');
    await server.query('ALTER TABLE events_new_b OWNER TO stranger');
    expect(await visit([byStatus])).toMatchObject({
      outcome: 'nothing',
      reason: 'PermissionDenied',
      message: expect.stringContaining('GRANT stranger TO genops'),
    });
  });
});
