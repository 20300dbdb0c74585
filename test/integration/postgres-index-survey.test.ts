import { describe, expect, test } from '@jest/globals';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { connectPostgres } from '../../operator/levers/postgresql/connect.ts';
import { createSurveys } from '../../operator/levers/postgresql/indexes/survey.ts';
import { eventually } from '../world/eventually.ts';
import { indexTuner, makeTables } from './index-tuner.ts';
import { startStandby } from './postgres-standby.ts';
import { password, secretOf, startTuned } from './postgres-tuner.ts';

const day = 86_400_000;
const readByN = 'SET enable_seqscan = off; SELECT n FROM orders ORDER BY n LIMIT 1';

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('indexes that nobody reads, and such that do the same work, are told of tables that no index is declared for', async () => {
    await using server = await startTuned({ version });
    await makeTables(server, 10);
    await server.query(`CREATE TABLE orders (id int PRIMARY KEY, n int, name text)`);
    await server.query(`INSERT INTO orders SELECT n, n, n::text FROM generate_series(1, 100000) n`);
    await server.query('CREATE UNIQUE INDEX needed ON orders (n, id)');
    await server.query('CREATE INDEX by_n ON orders (n)');
    await server.query('CREATE INDEX by_id ON orders (id)');
    await server.query('CREATE INDEX lower ON orders (lower(name)) WHERE n > 5');
    await server.query('CREATE INDEX lowered ON public.orders (  lower( name ) ) WHERE ((n > 5))');
    await server.query('CREATE TABLE few (n int)');
    await server.query('CREATE INDEX small ON few (n)');

    const { visit } = indexTuner({ secret: secretOf(server), countEveryMs: 0 });
    const told = async (days: number) => (await visit([], { now: days * day })).message;
    const first = await told(0);
    expect(first).not.toContain('Not read');
    expect(first).toContain('public.orders_pkey and public.by_id do the same work: one of them is enough.');
    expect(first).toContain('public.lower and public.lowered do the same work');
    const later = await told(15);
    expect(later).toMatch(/Not read.*: postgres\.public\.\w+ since 1970-01-01 \(\d MiB\), /);
    expect(later).toContain('postgres.public.by_n since 1970-01-01 (2 MiB)');
    expect(later).not.toMatch(/needed|small|orders_pkey since/);

    await server.query(readByN);
    await eventually(async () => expect(await told(16)).not.toContain('by_n'));
    expect(await told(16)).toContain('by_id since 1970-01-01');
  });
});

test('what a standby reads of them is in use', async () => {
  await using server = await startTuned({ version: '18' });
  await makeTables(server, 10);
  await server.query('CREATE TABLE orders AS SELECT n FROM generate_series(1, 100000) n');
  await server.query('CREATE INDEX by_n ON orders (n)');
  await using standby = await startStandby(server);
  const { visit } = indexTuner({ secret: secretOf(server), standby: secretOf(standby), countEveryMs: 0 });
  const told = async (days: number) => (await visit([], { now: days * day })).message;
  await told(0);
  expect(await told(15)).toContain('by_n since 1970-01-01 (2 MiB) (on this server and 1 of its standbys)');
  await standby.query(readByN);
  await eventually(async () => expect(await told(15)).not.toContain('by_n'));
});

/** Only the look for indexes that do the same work calls it. */
const needed = 'EXECUTE ON FUNCTION pg_catalog.regexp_replace(text, text, text, text)';
const [minute, hour] = [60_000, 3_600_000];

test('a look at them that fails says why, and what it stands for beside it; it fails no other look', async () => {
  await using server = await startTuned({ version: '18' });
  await makeTables(server, 10);
  await server.query('CREATE TABLE orders (id int PRIMARY KEY)');
  await server.query('CREATE INDEX by_id ON orders (id)');
  const { visit } = indexTuner({ secret: secretOf(server), countEveryMs: 0 });
  await server.query(`REVOKE ${needed} FROM PUBLIC`);
  expect(await visit([])).toMatchObject({
    status: 'True',
    reason: 'Applied',
    message: expect.stringMatching(
      /Indexes that nobody has declared could not be looked at in database postgres: saw "permission denied for function regexp_replace" from .*; next: grant /,
    ),
  });
  await server.query(`GRANT ${needed} TO PUBLIC`);
  const { message } = await visit([]);
  expect(message).toContain('public.orders_pkey and public.by_id do the same work');
  expect(message).not.toContain('could not be looked at');
});

test('a look that failed is made again after a minute, then seldomer, and keeps what was found before', async () => {
  await using server = await startTuned({ version: '18' });
  await server.query('CREATE TABLE orders (id int PRIMARY KEY)');
  await server.query('CREATE INDEX by_id ON orders (id)');
  const address = {
    host: server.host,
    port: server.port,
    label: 'test',
    user: 'genops',
    password,
    database: 'postgres',
  };
  let now = 0;
  const signal = AbortSignal.timeout(30_000);
  await using postgres = await connectPostgres(address, signal);
  const surveys = createSurveys(hour, () => now);
  const seen = () => surveys.of(postgres, { name: 'postgres', tables: [] }, signal);
  const survey = { unread: [], twins: [['public.orders_pkey', 'public.by_id']] };
  expect(await seen()).toEqual({ survey });

  await server.query(`REVOKE ${needed} FROM PUBLIC`);
  now = hour - 1;
  expect(await seen()).toEqual({ survey }); // nobody has looked again
  const failed = { survey, failure: expect.stringContaining('permission denied') };
  now = hour;
  expect(await seen()).toEqual(failed);
  now = hour + minute; // it fails again
  expect(await seen()).toEqual(failed);
  await server.query(`GRANT ${needed} TO PUBLIC`);
  await server.query('DROP INDEX by_id');
  now = hour + 3 * minute - 1;
  expect(await seen()).toEqual(failed);
  now = hour + 3 * minute;
  expect(await seen()).toEqual({ survey: { unread: [], twins: [] } });
});
