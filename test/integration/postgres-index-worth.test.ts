import { describe, expect, test } from '@jest/globals';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { indexTuner, makeTables, type Indexes } from './index-tuner.ts';
import { startStandby } from './postgres-standby.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

const bySize: Indexes = [{ name: 'by_size', table: 'workflows', columns: [{ name: 'size' }] }];
const settings = { shared_preload_libraries: 'pg_stat_statements', log_statement: 'all' };
const find = (n: number) => `SELECT id FROM workflows WHERE size = ${n}`;

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('tells by how much statements got faster by an index, and which indexes nobody reads', async () => {
    await using server = await startTuned({ version, settings });
    await makeTables(server, 100_000);
    await gainsAreTold(server);
    await failuresAskForNothing(server);
    await unusedAreTold(server);
  });
});

/** Over a restart of the operator and a reset of the counts. */
async function gainsAreTold(server: PostgresServer): Promise<void> {
  await server.query('CREATE EXTENSION pg_stat_statements');
  const ask = async (times: number) => {
    for (let n = 0; n < times; n += 1) await server.query(find(n));
  };
  await ask(5);
  const tuner = indexTuner({ secret: secretOf(server), countEveryMs: 0 });
  await eventually(async () =>
    expect(await tuner.visit(bySize)).toMatchObject({ entry: { indexes: [{ state: 'Valid' }] } }),
  );
  await ask(49);
  expect((await tuner.visit(bySize)).entry).not.toMatchObject({ indexes: [{ gain: expect.anything() }] });

  tuner.restart();
  await server.query('SELECT pg_stat_statements_reset()');
  await ask(50);
  const { entry } = await tuner.visit(bySize);
  expect(entry).toMatchObject({
    indexes: [{ gain: expect.stringMatching(/^1 statement, mean [\d.]+ → [\d.]+ ms over 50 calls$/) }],
  });
  const [before = 0, after = 0] = /mean ([\d.]+) → ([\d.]+)/.exec(JSON.stringify(entry))?.slice(1).map(Number) ?? [];
  expect(after).toBeLessThan(before / 5);

  await ask(60);
  expect((await tuner.visit(bySize)).entry).toEqual(entry);
}

/** A build that cannot succeed: what statements take is asked every five minutes, not at each visit. */
async function failuresAskForNothing(server: PostgresServer): Promise<void> {
  const { visit } = indexTuner({ secret: secretOf(server) });
  const twice: Indexes = [{ name: 'one_each', table: 'workflows', columns: [{ name: 'status' }], unique: true }];
  const asked = async () => (await server.log()).split('texts AS MATERIALIZED').length;
  const failed = () => eventually(async () => expect(await visit(twice)).toMatchObject({ reason: 'Failed' }));
  await failed();
  await failed(); // by now it is remembered which statements are to be counted
  const before = await asked();
  expect(before).toBeGreaterThan(1);
  await failed();
  await failed();
  expect(await asked()).toBe(before);
}

const day = 86_400_000;

/** In a window of the operator's own: a reset of the server's counts begins it anew. */
async function unusedAreTold(server: PostgresServer): Promise<void> {
  const { visit } = indexTuner({ secret: secretOf(server) });
  await server.query('CREATE INDEX theirs ON workflows (created_at)');
  await server.query('CREATE UNIQUE INDEX needed ON workflows (id, size)');
  const told = async (days: number) => (await visit(bySize, { now: days * day })).message;
  expect(await told(0)).not.toContain('Not read');
  expect(await told(15)).toMatch(/Not read.*postgres\.public\.theirs since 1970-01-01/);
  expect(await told(15)).not.toContain('needed');

  await server.query('SELECT pg_stat_reset()');
  await eventually(async () => expect(await told(16)).not.toContain('Not read'));
  expect(await told(30)).not.toContain('Not read');
  expect(await told(31)).toContain('theirs since 1970-01-17');

  await server.query(`SET enable_seqscan = off; SELECT size FROM workflows ORDER BY created_at LIMIT 1`);
  await eventually(async () => expect(await told(31)).not.toContain('theirs'));
}

test('what a standby reads that the service names too is in use', async () => {
  await using server = await startTuned({ version: '18' });
  await makeTables(server, 1000);
  await server.query('CREATE INDEX by_size ON workflows (size)');
  await server.query('CREATE INDEX theirs ON workflows (created_at)');
  await using standby = await startStandby(server);
  const alone = indexTuner({ secret: secretOf(server) });
  const { visit } = indexTuner({ secret: secretOf(server), standby: secretOf(standby), countEveryMs: 0 });
  const told = async (days: number) => (await visit(bySize, { now: days * day })).message;
  await alone.visit(bySize);
  expect(await told(0)).not.toContain('Not read');

  await standby.query(`SET enable_seqscan = off; SELECT size FROM workflows ORDER BY created_at LIMIT 1`);
  await eventually(async () => expect(await told(15)).not.toContain('theirs'));
  expect(await told(16)).not.toContain('theirs');
  expect(await told(31)).toMatch(/theirs since 1970-01-1[67] \(on this server and 1 of its standbys\)/);
  const { message } = await alone.visit(bySize, { now: 15 * day });
  expect(message).toMatch(/theirs since 1970-01-01 \(on this server; standbys not counted: 1\)/);

  await standby.stop();
  await eventually(async () => expect(await told(31)).not.toContain('of its standbys'));
  expect(await told(33)).toMatch(/theirs since 1970-01-1[67] \(on this server; standbys not counted: 1\)/);
});
