import { describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { startPgbouncer } from '../../hack/servers/pgbouncer.ts';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { creations, indexesOf, indexTuner, makeTables, wantedIndex, type Indexes } from './index-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

type Visit = ReturnType<typeof indexTuner>['visit'];
const built = (visit: Visit, indexes: Indexes, more: Parameters<Visit>[1] = {}) =>
  eventually(async () => expect(await visit(indexes, more)).toMatchObject({ status: 'True', reason: 'Applied' }));

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('a declared index is built concurrently by a role that may read no table, and belongs to the table’s owner', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server, 1000);
    const { visit } = indexTuner({ secret: secretOf(server) });
    const maintenanceWindows = [{ name: 'night', schedule: '0 2 * * *', duration: '2h' }];
    const at = (time: string) => ({ maintenanceWindows, now: Date.parse(time) });

    expect(await visit([wantedIndex], at('2026-11-28T06:00:00Z'))).toMatchObject({
      outcome: 'nothing',
      status: 'True',
      reason: 'MaintenancePending',
      entry: { indexes: [{ state: 'Missing' }] },
    });
    expect(await creations(server)).toEqual([]);
    expect(await visit([wantedIndex], at('2026-11-28T02:00:00Z'))).toMatchObject({
      outcome: 'applied',
      fields: ['index workflows_status_created'],
      status: 'False',
      reason: 'IndexBuilding',
      entry: { indexes: [{ name: 'workflows_status_created', state: 'Building' }] },
    });
    await built(visit, [wantedIndex]);
    expect(await visit([wantedIndex])).toMatchObject({
      outcome: 'nothing',
      message: '1 of 1 indexes of main are there.',
      entry: { indexes: [{ name: 'workflows_status_created', state: 'Valid', used: false }] },
    });
    expect(await indexesOf(server)).toMatchObject([{ name: 'workflows_status_created', valid: true, owner: 'app' }]);
    expect(await creations(server)).toHaveLength(1);
  });

  test('an idle look changes nothing, and costs ten statements at most', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server);
    const { visit } = indexTuner({ secret: secretOf(server) });
    await built(visit, [wantedIndex]);
    const before = (await server.log()).length;
    await visit([wantedIndex]);
    const asked = [
      ...(await server.log()).slice(before).matchAll(/^genops LOG: {2}(?:statement|execute <unnamed>): (.*)/gm),
    ];
    expect(asked.length).toBeLessThanOrEqual(10);
    expect(asked.filter(([, sql = '']) => !sql.startsWith('SELECT'))).toEqual([]);
  });

  test('an equal index is found by whatever name and in whatever words; one that is not equal is not', async () => {
    await using server = await startTuned({ version });
    await server.query('CREATE ROLE app');
    await server.query(`CREATE TYPE st AS ENUM ('running', 'pending', 'done')`);
    const cases = [
      ['status text', `(status, created_at) WHERE status IN ('pending', 'running')`, 'Valid'],
      ['gone int, status varchar(20)', `(status, created_at) WHERE status IN ('running', 'pending')`, 'Valid'],
      ['status st', `(status, created_at) WHERE status IN ('running', 'pending')`, 'Valid'],
      [
        'status text COLLATE "C"',
        `(status ASC, created_at NULLS LAST) WHERE status = ANY ('{running,pending}')`,
        'Failed',
      ],
      ['status text COLLATE "C"', `(status, created_at) WHERE status = ANY (ARRAY['running', 'pending'])`, 'Valid'],
      ['status text', `(status COLLATE "C", created_at) WHERE status IN ('running', 'pending')`, 'Failed'],
      ['status text', `(status, created_at DESC) WHERE status IN ('running', 'pending')`, 'Failed'],
      ['status text', `(status text_pattern_ops, created_at) WHERE status IN ('running', 'pending')`, 'Failed'],
      ['status text', `(status, created_at) INCLUDE (id) WHERE status IN ('running', 'pending')`, 'Failed'],
      ['status text', `(status, created_at)`, 'Failed'],
    ] as const;
    for (const [number, [column, index]] of cases.entries()) {
      await server.query(`CREATE TABLE t${number} (id int, ${column}, created_at timestamptz)`);
      if (column.startsWith('gone')) await server.query(`ALTER TABLE t${number} DROP COLUMN gone`);
      await server.query(`CREATE INDEX theirs${number} ON t${number} ${index}`);
    }
    await server.query(`CREATE TABLE pairs (id int, status text, created_at timestamptz)`);
    await server.query(`CREATE INDEX ON pairs (id) WHERE created_at IS NOT NULL AND status <> 'done'`);
    const inOrder = { name: 'pairs', table: 'pairs', columns: [{ name: 'id' }] };
    const where: Indexes[number]['where'] = [
      { column: 'status', operator: 'NotEqual', values: ['done'] },
      { column: 'created_at', operator: 'IsNotNull' },
    ];
    const { visit } = indexTuner({ secret: secretOf(server) });
    expect(await visit([{ ...inOrder, where }])).toMatchObject({
      reason: 'Applied',
      entry: { indexes: [{ state: 'Valid' }] },
    });
    const wanted = cases.map((_, number) => ({ ...wantedIndex, name: `i${number}`, table: `t${number}` }));
    // No right on the tables, so that nothing is built: what is there is found all the same.
    expect(await visit(wanted)).toMatchObject({
      reason: 'PermissionDenied',
      entry: { indexes: cases.map(([, , state], number) => expect.objectContaining({ name: `i${number}`, state })) },
    });
  });

  test('whether an index is read is told, and once it is, that', async () => {
    await using server = await startTuned({ version, settings: { enable_seqscan: 'off' } });
    await makeTables(server, 1000);
    const { visit } = indexTuner({ secret: secretOf(server) });
    await built(visit, [wantedIndex]);
    expect(await visit([wantedIndex])).toMatchObject({ entry: { indexes: [{ state: 'Valid', used: false }] } });
    await server.query(`SELECT created_at FROM workflows WHERE status = 'running' ORDER BY created_at LIMIT 10`);
    await eventually(async () =>
      expect(await visit([wantedIndex])).toMatchObject({ entry: { indexes: [{ state: 'Valid', used: true }] } }),
    );
  });

  test('an invalid index of the name is built anew; another index, or a table, of that name is left alone', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 100);
    const { visit } = indexTuner({ secret: secretOf(server) });
    await built(visit, [wantedIndex]);
    await server.query(
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'workflows_status_created'::regclass`,
    );
    expect(await visit([wantedIndex])).toMatchObject({ outcome: 'applied', reason: 'IndexBuilding' });
    await built(visit, [wantedIndex]);
    expect(await indexesOf(server)).toMatchObject([{ name: 'workflows_status_created', valid: true }]);

    const bySize = { name: 'workflows_status_created', table: 'workflows', columns: [{ name: 'size' }], where: [] };
    expect(await visit([bySize])).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'IndexDiffers' });
    expect(await visit([{ ...bySize, name: 'workflows_id_seq' }])).toMatchObject({
      outcome: 'nothing',
      reason: 'IndexDiffers',
    });
    expect(await indexesOf(server)).toHaveLength(1);
  });

  test('each missing right is told with the command that grants it, and once granted all goes on', async () => {
    await using server = await startTuned({ version });
    await makeTables(server);
    await server.query('REVOKE CREATE ON SCHEMA public FROM app');
    await server.query('REVOKE app FROM genops');
    await server.query('REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC');
    const { visit } = indexTuner({ secret: secretOf(server) });
    const granted: string[] = [];
    for (let rights = 0; rights < 4; rights += 1) {
      const visited = await visit([wantedIndex]);
      expect(visited).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'PermissionDenied' });
      const [, grant = ''] = /next: (GRANT .*?)(?::|$)/.exec(visited.message) ?? [];
      await server.query(grant);
      granted.push(grant.replace(/ WITH .*/, ''));
    }
    expect(granted).toEqual([
      'GRANT TEMPORARY ON DATABASE postgres TO genops',
      'GRANT app TO genops',
      'GRANT TEMPORARY ON DATABASE postgres TO app',
      'GRANT CREATE ON SCHEMA public TO app',
    ]);
    await built(visit, [wantedIndex]);
  });

  test('nothing is done as a superuser, though genops could become one', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server);
    await server.query('ALTER TABLE workflows OWNER TO postgres');
    await server.query('GRANT postgres TO genops');
    const { visit } = indexTuner({ secret: secretOf(server) });
    const visited = await visit([wantedIndex]);
    expect(visited).toMatchObject({ outcome: 'nothing', reason: 'PermissionDenied' });
    expect(visited.message).toContain('next: ALTER TABLE public.workflows OWNER TO a role that is none');
    expect(sentBy(await server.log()).filter((sql) => /SET.* ROLE/.test(sql))).toEqual([]);
  });

  test('a table that is not there makes an index not applicable, or is waited for', async () => {
    await using server = await startTuned({ version });
    const { visit } = indexTuner({ secret: secretOf(server) });
    expect(await visit([wantedIndex])).toMatchObject({
      outcome: 'nothing',
      reason: 'Applied',
      entry: { indexes: [{ state: 'NotApplicable' }] },
    });
    expect(await visit([{ ...wantedIndex, database: 'nowhere' }])).toMatchObject({ reason: 'Applied' });
    expect(await visit([wantedIndex], { onMissingTable: 'Wait' })).toMatchObject({
      status: 'False',
      reason: 'TableMissing',
    });
    await makeTables(server);
    await built(visit, [wantedIndex], { onMissingTable: 'Wait' });
  });

  test('what no index can be built on, and what the server refuses, is said before anything is built', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server);
    await server.query('CREATE VIEW seen AS SELECT * FROM workflows');
    const { visit } = indexTuner({ secret: secretOf(server) });
    const refusals: readonly (readonly [Partial<Indexes[number]>, string])[] = [
      [{ table: 'seen' }, 'public.seen, which is a view'],
      [{ columns: [{ name: 'nowhere' }] }, 'column "nowhere" does not exist'],
      [
        { where: [{ column: 'size', operator: 'Equal', values: ['big'] }] },
        'invalid input syntax for type integer: "big"',
      ],
      [
        { columns: [{ name: 'size', opclass: 'text_ops' }] },
        'operator class "pg_catalog.text_ops" does not accept data type integer',
      ],
      [{ method: 'Hash' }, 'access method "hash" does not support multicolumn indexes'],
      [{ where: [{ column: 'status', operator: 'Equal', values: ['a\0b'] }] }, 'a value with a NUL'],
    ];
    for (const [change, says] of refusals) {
      const visited = await visit([{ ...wantedIndex, ...change }]);
      expect(visited).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'ConfigRejected' });
      expect(visited.message).toContain(says);
    }
    expect(await creations(server)).toEqual([]);
  });

  test('every kind of index that can be declared is found again once it is built', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 100);
    await server.query('ALTER TABLE workflows ADD tags jsonb, ADD span int4range, ADD "Mixed Case" text');
    const all: Indexes = [
      {
        name: 'i_order',
        columns: [
          { name: 'created_at', order: 'Desc', nulls: 'Last' },
          { name: 'id', order: 'Asc' },
        ],
      },
      { name: 'i_include', columns: [{ name: 'size' }], include: ['status', 'id'] },
      { name: 'i_unique', columns: [{ name: 'id' }, { name: 'size' }], unique: true },
      { name: 'i_class', columns: [{ name: 'status', opclass: 'text_pattern_ops' }] },
      { name: 'i_hash', columns: [{ name: 'status' }], method: 'Hash' },
      { name: 'i_gin', columns: [{ name: 'tags', opclass: 'jsonb_path_ops' }], method: 'GIN' },
      { name: 'i_gist', columns: [{ name: 'span' }], method: 'GiST' },
      { name: 'i_brin', columns: [{ name: 'created_at' }], method: 'BRIN' },
      {
        name: 'i_where',
        columns: [{ name: 'id' }],
        where: [
          { column: 'size', operator: 'GreaterThan', values: ['5'] },
          { column: 'status', operator: 'NotIn', values: [`it's "\\`, 'b'] },
          { column: 'created_at', operator: 'IsNotNull' },
          { column: 'status', operator: 'NotEqual', values: ['$1; DROP TABLE workflows'] },
        ],
      },
    ];
    const wanted = all.map((one) => ({ table: 'workflows', ...one }));
    const { visit } = indexTuner({ secret: secretOf(server) });
    await built(visit, wanted);
    expect(await indexesOf(server)).toHaveLength(all.length);
    const again = indexTuner({ secret: secretOf(server) });
    expect(await again.visit(wanted)).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
  });

  test('no name and no value reaches the server as SQL', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    const hostile = `x"; DROP TABLE kept; --'`;
    const quoted = `"${hostile.replaceAll('"', '""')}"`;
    await server.query('CREATE ROLE app');
    await server.query(`CREATE ROLE ${quoted}`);
    await server.query(`GRANT ${quoted} TO genops${version === '15' ? '' : ' WITH INHERIT FALSE, SET TRUE'}`);
    await server.query('CREATE TABLE kept (n int)');
    await server.query(`CREATE SCHEMA ${quoted} AUTHORIZATION ${quoted}`);
    await server.query(`CREATE TABLE ${quoted}.${quoted} (${quoted} text)`);
    await server.query(`ALTER TABLE ${quoted}.${quoted} OWNER TO ${quoted}`);
    const wanted = {
      name: `${hostile}i`,
      mode: 'Enforce' as const,
      schema: hostile,
      table: hostile,
      columns: [{ name: hostile }],
      include: [hostile],
      where: [{ column: hostile, operator: 'In' as const, values: [hostile, `\\'; DROP TABLE kept; --`, '$$;'] }],
      method: 'BTree' as const,
      unique: false,
    };
    const { visit } = indexTuner({ secret: secretOf(server) });
    await expect(visit([wanted])).rejects.toThrow('must be an SQL identifier'); // the first fence; now past it
    const past = indexTuner({ secret: secretOf(server), past: [wanted] });
    await built(past.visit, []);
    expect(await server.query('SELECT relname FROM pg_class WHERE relname = $1', [wanted.name])).toHaveLength(1);
    expect(await past.restore()).toMatchObject({ outcome: 'applied' });
    const ending = '); DROP TABLE kept; --'; // of a statement that is whole without it
    const rows = [
      { columns: [{ name: hostile, opclass: hostile }] },
      { database: hostile },
      { method: `btree ((1)${ending}` },
      { columns: [{ name: hostile, order: `desc${ending}` }] },
      { columns: [{ name: hostile, nulls: `first${ending}` }] },
      { where: [{ column: hostile, operator: `= '1'; DROP TABLE kept; --`, values: ['1'] }] },
    ];
    for (const more of rows) {
      const index = { ...wanted, name: 'other', ...more } as typeof wanted;
      const visited = await indexTuner({ secret: secretOf(server), past: [index] }).visit([]);
      expect({ more, ...visited }).toMatchObject({ more, outcome: 'nothing' });
    }
    expect(await server.query('SELECT n FROM kept')).toEqual([]);
    for (const sql of sentBy(await server.log()))
      expect(sql.replace(/"(?:[^"]|"")*"| ?E'(?:[^'\\]|''|\\\\)*'|'(?:[^']|'')*'/g, '_')).not.toMatch(/drop table/i);
  });

  test('what was built is dropped where the policy owns it and no longer lists it; what others built is not', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 100);
    await server.query('CREATE INDEX theirs ON workflows (size)');
    const { visit } = indexTuner({ secret: secretOf(server) });
    const second = { name: 'second', table: 'workflows', columns: [{ name: 'id' }, { name: 'size' }] };
    await built(visit, [wantedIndex, second]);
    expect(await visit([second])).toMatchObject({ outcome: 'nothing' });
    expect(await visit([second], { pruneIndexes: 'Owned', mode: 'DryRun' })).toMatchObject({
      message: 'Would change index workflows_status_created valid → dropped.',
    });
    expect(await visit([second], { pruneIndexes: 'Owned' })).toMatchObject({ outcome: 'applied', reason: 'Applied' });
    expect(await indexesOf(server)).toMatchObject([{ name: 'second' }, { name: 'theirs' }]);
    expect(await visit([second], { pruneIndexes: 'Owned' })).toMatchObject({ outcome: 'nothing' });
  });
});

test('an index of another database is built there, one after the other', async () => {
  await using server = await startTuned({ settings: { log_statement: 'all' } });
  await makeTables(server);
  await server.query('CREATE DATABASE shop OWNER app');
  await inShop(server, 'CREATE TABLE orders (status text)');
  await inShop(server, 'ALTER TABLE orders OWNER TO app');
  await inShop(server, 'GRANT CREATE ON SCHEMA public TO app');
  const { visit } = indexTuner({ secret: secretOf(server) });
  const other = { name: 'in_shop', database: 'shop', table: 'orders', columns: [{ name: 'status' }] };
  expect(await visit([wantedIndex, other])).toMatchObject({ fields: ['index workflows_status_created'] });
  await built(visit, [wantedIndex, other]);
  expect(await inShop(server, `SELECT FROM pg_class WHERE relname = 'in_shop'`)).toHaveLength(1);
  expect(await creations(server)).toHaveLength(2);
});

test('no index is built through a pooler', async () => {
  await using server = await startTuned({ settings: { log_statement: 'all' } });
  await makeTables(server);
  await using pooler = await startPgbouncer(server);
  const { visit } = indexTuner({ secret: secretOf(pooler) });
  expect(await visit([wantedIndex])).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'PoolerInBetween' });
  expect(await creations(server)).toEqual([]);
});

async function inShop({ host, port }: PostgresServer, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ host, port, user: 'postgres', database: 'shop' });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const sentBy = (log: string): readonly string[] =>
  [...log.matchAll(/^genops LOG: {2}(?:statement|execute <unnamed>): (.*(?:\n\t.*)*)/gm)].map(([, sql = '']) => sql);
