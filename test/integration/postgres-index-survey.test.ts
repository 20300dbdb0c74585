import { describe, expect, test } from '@jest/globals';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { indexTuner, makeTables } from './index-tuner.ts';
import { startStandby } from './postgres-standby.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

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
