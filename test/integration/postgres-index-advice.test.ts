import { expect, test } from '@jest/globals';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { debianPackages } from '../../hack/servers/debian.ts';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { postgresAddress } from '../../operator/levers/postgresql/address.ts';
import { createAdvisor } from '../../operator/levers/postgresql/advice/advisor.ts';
import { connectPostgres } from '../../operator/levers/postgresql/connect.ts';
import { readFacts, type ServerFacts } from '../../operator/levers/postgresql/observe.ts';
import { eventually } from '../world/eventually.ts';
import { creations, indexesOf, indexTuner, makeTables } from './index-tuner.ts';
import { secretData } from './lever-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

/** As a workload: a role of its own, each statement with parameters. */
async function asRole(
  { host, port }: PostgresServer,
  user: string,
  ...asked: readonly (readonly [string, ...unknown[]])[]
) {
  const client = new Client({ host, port, user, database: 'postgres' });
  await client.connect();
  try {
    for (const [sql, ...values] of asked) await client.query(sql, values);
  } finally {
    await client.end();
  }
}

/** Another process each time: none remembers what the last has found. */
const advised = (server: PostgresServer) =>
  indexTuner({ secret: secretOf(server) }).visit([], { indexAdvice: 'Recommend' });

const bySize = 'SELECT id FROM workflows WHERE size = $1 AND status <> $2';
const newest = 'SELECT id FROM workflows WHERE status = $1 ORDER BY created_at DESC LIMIT 5';
const sized = { state: 'Advised', on: 'public.workflows (size)' };
const ordered = { state: 'Advised', on: 'public.workflows (status, created_at)' };

/** By the first visit, which looks for advice and through all indexes: 6 of them plan one statement each. */
const mostSent = 25;
const settings = { shared_preload_libraries: 'pg_stat_statements', log_statement: 'all' };

async function startAdvised(version: PostgresServer['version']) {
  const server = await startTuned({ version, settings });
  await makeTables(server, 50_000);
  await server.query('ANALYZE workflows');
  await server.query('ALTER ROLE app LOGIN');
  await server.query('ALTER DEFAULT PRIVILEGES FOR ROLE app REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC');
  return server;
}

/** A transaction that goes on. */
async function holding({ host, port }: PostgresServer, sql: string) {
  const client = new Client({ host, port, user: 'postgres', database: 'postgres' });
  await client.connect();
  await client.query('BEGIN');
  await client.query(sql);
  return { [Symbol.asyncDispose]: () => client.end() };
}

/** Counts from now on. */
async function count(server: PostgresServer): Promise<void> {
  await server.query('CREATE EXTENSION pg_stat_statements');
  await server.query('SELECT pg_stat_statements_reset()');
}

/** What genops has sent since. */
const sentSince = async (server: PostgresServer, length: number): Promise<readonly string[]> =>
  [...(await server.log()).slice(length).matchAll(/^genops LOG: {2}(?:statement|execute <unnamed>): (.*)/gm)].map(
    ([, sql = '']) => sql,
  );

test.each(postgresVersions)(
  'PostgreSQL %s: what is advised, with whose rights, and what is not known',
  async (version) => {
    await using server = await startAdvised(version);
    expect((await advised(server)).message).toContain('No index advice: saw no figures of statements');
    await count(server);
    await namesWhatHelps(server);
    await advisesWhatAnIndexCanHave(server);
    await keepsItsTime(server);
    await endsWhatDoesNotEnd(server);
    await throwsWhatIsABug(server);
    await gainsNobodyARight(server);
    await findsTablesAsTheRoleDoes(server);
    await saysWhoseItCannotPlan(server);
  },
);

/** Indexes that would spare the worst statements a scan: each told, none built, and not looked for again at the next visit. */
async function namesWhatHelps(server: PostgresServer): Promise<void> {
  const update = 'UPDATE workflows SET status = $1 WHERE size = $2';
  await asRole(server, 'app', [bySize, 7, 'x'], [bySize, 8, 'x'], [newest, 'done'], [update, 'x', -1]);
  const before = (await server.log()).length;
  const { visit } = indexTuner({ secret: secretOf(server) });
  const first = await visit([], { indexAdvice: 'Recommend' });
  expect(first).toMatchObject({ status: 'True', reason: 'Applied', outcome: 'nothing' });
  const entries = first.entry.indexes as readonly { readonly on: string }[];
  const [one, two, ...more] = entries.toSorted((a, b) => a.on.localeCompare(b.on));
  expect(one).toMatchObject({ ...sized, name: 'workflows_size', statements: [expect.any(String), expect.any(String)] });
  expect(two).toMatchObject({
    ...ordered,
    statements: [expect.any(String)],
    gain: expect.stringMatching(/not proven$/),
  });
  expect(more).toEqual([]);
  expect(first.message).toMatch(/Advised, and never built unasked: .*public\.workflows \(size\)/);
  expect(await creations(server)).toEqual([]);
  expect((await sentSince(server, before)).length).toBeLessThanOrEqual(mostSent);

  const again = (await server.log()).length;
  expect(await visit([], { indexAdvice: 'Recommend' })).toMatchObject({ entry: first.entry, message: first.message });
  expect((await sentSince(server, again)).length).toBeLessThanOrEqual(10);

  await server.query('CREATE INDEX theirs ON workflows (size)');
  expect((await advised(server)).entry.indexes).toEqual([expect.objectContaining(ordered)]);
  expect((await indexTuner({ secret: secretOf(server) }).visit([])).entry.indexes).toBeUndefined();
  await server.query('DROP INDEX theirs');
}

/** A function that claims to be immutable runs when a statement is planned: with the rights of who has run it, and no others. */
async function gainsNobodyARight(server: PostgresServer): Promise<void> {
  await server.query('CREATE ROLE other');
  await server.query(`GRANT other TO genops${server.version === '15' ? '' : ' WITH INHERIT FALSE, SET TRUE'}`);
  await server.query('CREATE TABLE loot (what text)');
  await server.query('GRANT INSERT ON loot TO app');
  await server.query('SELECT pg_stat_statements_reset()');
  const put = `CREATE FUNCTION put() RETURNS void LANGUAGE sql AS $$ INSERT INTO loot VALUES (current_user) $$`;
  const grab = `CREATE FUNCTION grab() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    BEGIN PERFORM put(); EXCEPTION WHEN OTHERS THEN RAISE LOG 'grab put nothing: %', SQLERRM; END;
    BEGIN PERFORM set_config('role', 'other', false); RAISE LOG 'grab became %', current_user;
    EXCEPTION WHEN OTHERS THEN RAISE LOG 'grab stayed %: %', current_user, SQLERRM; END;
    RETURN 7; END $$`;
  await asRole(server, 'app', [put], [grab], ['SELECT id FROM workflows WHERE size = grab()']);
  expect(await server.query('DELETE FROM loot RETURNING what')).toContainEqual({ what: 'app' });
  expect((await advised(server)).entry.indexes).toEqual([expect.objectContaining(sized)]);
  const log = await server.log();
  expect(log).toMatch(/^genops LOG: {2}grab put nothing: cannot execute INSERT in a read-only transaction/m);
  expect(log).toMatch(/^genops LOG: {2}grab stayed app: cannot set parameter "role" within security-definer function/m);
  expect(log).not.toMatch(/LOG: {2}grab became/);
  expect(await server.query('SELECT FROM loot')).toEqual([]);
}

/** By the search_path of the role; and with a type before a literal, as people write it. */
async function findsTablesAsTheRoleDoes(server: PostgresServer): Promise<void> {
  await server.query('CREATE SCHEMA shop AUTHORIZATION app');
  await server.query('CREATE TABLE shop."Orders" AS SELECT id, size, created_at FROM workflows');
  await server.query('ALTER TABLE shop."Orders" OWNER TO app');
  await server.query('ANALYZE shop."Orders"');
  await server.query('ALTER ROLE app IN DATABASE postgres SET search_path = shop');
  await server.query('SELECT pg_stat_statements_reset()');
  const recent = `SELECT id FROM "Orders" WHERE size = 7 AND created_at > now() - interval '1 day'`;
  await asRole(server, 'app', [recent]);
  const ofOrders = expect.objectContaining({ on: 'shop.Orders (size, created_at)', name: 'Orders_size_created_at' });
  expect((await advised(server)).entry.indexes).toEqual([ofOrders]);
}

/** Of what no btree takes nothing is advised, though a column of any type may be NULL. */
async function advisesWhatAnIndexCanHave(server: PostgresServer): Promise<void> {
  const kinds = Array.from({ length: 20 }, (_, n) => `'k${n}'`).join(', ');
  await server.query(`CREATE TYPE kind AS ENUM (${kinds})`);
  await server.query(`CREATE TABLE typed AS SELECT id, ('k' || size % 20)::kind AS kind, size::text::varchar(9) AS label,
    '{}'::json AS doc, '(1,1)'::point AS place FROM workflows`);
  await server.query('ALTER TABLE typed OWNER TO app');
  await server.query('ANALYZE typed');
  await server.query('SELECT pg_stat_statements_reset()');
  const where = (condition: string) => `SELECT id FROM typed WHERE ${condition}`;
  const compared = ['kind = $1', 'label = $1'].map((condition) => [where(condition), 'k7'] as const);
  const empty = ['doc IS NULL', 'place IS NULL'].map((condition) => [where(condition)] as const);
  await asRole(server, 'app', ...compared, ...empty);
  const entries = (await advised(server)).entry.indexes as readonly { readonly on: string }[];
  expect(entries.map(({ on }) => on).toSorted()).toEqual(['public.typed (kind)', 'public.typed (label)']);
}

/** Code of a role may take a second in each plan: no declared index waits for all of them. */
async function keepsItsTime(server: PostgresServer): Promise<void> {
  await server.query('SELECT pg_stat_statements_reset()');
  const slow = `CREATE FUNCTION slow() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    IF session_user = 'genops' THEN PERFORM pg_sleep(5); END IF; RETURN 7; END $$`;
  const asked = Array.from({ length: 14 }, (_, n) => `SELECT ${'id, '.repeat(n)}id FROM workflows WHERE size = slow()`);
  await asRole(server, 'app', [slow], ...asked.map((sql) => [sql] as const));
  const { visit } = indexTuner({ secret: secretOf(server) });
  const declared = [{ name: 'by_created', table: 'workflows', columns: [{ name: 'created_at' }] }];
  await eventually(async () => {
    const seen = await visit(declared, { indexAdvice: 'Recommend' });
    expect(seen).toMatchObject({ reason: 'Applied', entry: { indexes: [{ name: 'by_created', state: 'Valid' }] } });
    expect(seen.message).toContain('No index advice: saw no plans of all the statements within 3 s');
  });
  await server.query('DROP INDEX by_created');
}

/** Code that goes on whatever is cancelled is ended, once an hour; the statements of others are planned meanwhile. */
async function endsWhatDoesNotEnd(server: PostgresServer): Promise<void> {
  await server.query('CREATE ROLE endless LOGIN');
  await server.query(`GRANT endless TO genops${server.version === '15' ? '' : ' WITH INHERIT FALSE, SET TRUE'}`);
  await server.query('GRANT SELECT ON workflows TO endless');
  await server.query('GRANT CREATE ON SCHEMA public TO endless');
  await server.query('SELECT pg_stat_statements_reset()');
  const endless = `CREATE FUNCTION endless() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    IF session_user <> 'genops' THEN RETURN 7; END IF;
    LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$`;
  await asRole(server, 'endless', [endless], ['SELECT id FROM workflows WHERE size = endless()']);
  await asRole(server, 'app', [bySize, 7, 'x']);
  const { lookAfter } = await advisorOf(server);
  const said = { state: 'Unknown', why: expect.stringContaining('saw no end of a plan as endless, whose') };
  expect(await lookAfter(0)).toMatchObject(said);
  const active = `SELECT query FROM pg_stat_activity WHERE usename = 'genops' AND state = 'active'`;
  await eventually(async () => expect(await server.query(active)).toEqual([]));
  expect(await lookAfter(60_000)).toMatchObject({
    state: 'Known',
    advised: [{ table: 'workflows', columns: ['size'] }],
    // Beside it, where the machine was slow, the test's own questions as a superuser.
    unplanned: expect.arrayContaining([
      { statements: 1, why: expect.stringContaining('endless has functions that no time-out ends') },
    ]),
  });
  expect(await lookAfter(3_600_000)).toMatchObject(said);
}

async function throwsWhatIsABug(server: PostgresServer): Promise<void> {
  const { lookAfter } = await advisorOf(server, { statementsSchema: Symbol('no name') as never });
  await expect(lookAfter(0)).rejects.toThrow('Cannot convert a Symbol');
}

/** With a clock of its own. */
async function advisorOf(server: PostgresServer, wrong: Partial<ServerFacts> = {}) {
  const address = postgresAddress(secretData(secretOf(server)) ?? {}, { namespace: 'ai', name: 'postgres' });
  await using postgres = await connectPostgres(address, AbortSignal.timeout(10_000));
  const facts = { ...(await readFacts(postgres)), ...wrong };
  let now = 0;
  const advisor = createAdvisor(() => now);
  return {
    lookAfter: (ms: number) => {
      now += ms;
      return advisor.of(address, facts, AbortSignal.timeout(10_000));
    },
  };
}

async function saysWhoseItCannotPlan(server: PostgresServer): Promise<void> {
  await server.query('CREATE ROLE stranger LOGIN');
  await server.query('GRANT SELECT ON workflows TO stranger');
  await server.query('SELECT pg_stat_statements_reset()');
  await asRole(server, 'stranger', [bySize, 7, 'x']);
  await asRole(server, 'postgres', [newest, 'done']);
  await asRole(server, 'app', ['SELECT id FROM "Orders" WHERE size = $1', 7]);
  await using _ = await holding(server, 'LOCK TABLE shop."Orders"');
  const seen = await advised(server);
  expect(seen).toMatchObject({ status: 'True', reason: 'Applied' });
  expect(seen.entry.indexes).toBeUndefined();
  const options = server.version === '15' ? '' : ' WITH INHERIT FALSE, SET TRUE';
  expect(seen.message).toContain(`1 (GRANT stranger TO genops${options} lets the operator plan them)`);
  expect(seen.message).toContain('(they are of postgres, a superuser, as which nothing is ever done)');
  expect(seen.message).toContain('1 (canceling statement due to lock timeout)');
}

/** Debian has HypoPG for this major alone. */
async function addHypopg({ folder }: PostgresServer): Promise<void> {
  const root = await debianPackages('hypopg-15', ['postgresql-15-hypopg']);
  const [from, to] = [join(root, 'usr'), join(folder, 'program')];
  await cp(join(from, 'lib/postgresql/15/lib/hypopg.so'), join(to, 'lib/postgresql/hypopg.so'));
  const extension = join(from, 'share/postgresql/15/extension');
  for (const file of await readdir(extension))
    await cp(join(extension, file), join(to, 'share/postgresql/extension', file));
}

test('with HypoPG what is advised is proven by the planner, and what it would not take is not advised', async () => {
  await using server = await startAdvised('15');
  await addHypopg(server);
  await count(server);
  await server.query('CREATE EXTENSION hypopg');
  await asRole(server, 'app', [bySize, 7, 'x'], [newest, 'done']);
  expect((await advised(server)).entry.indexes).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        ...sized,
        gain: expect.stringMatching(/reckoned by the planner to cost [\d.]+ instead of [\d.]+ \(HypoPG\)$/),
      }),
      expect.objectContaining(ordered),
    ]),
  );
  expect(await indexesOf(server)).toEqual([]);

  await server.query('ALTER FUNCTION hypopg_create_index(text) RENAME TO real_create_index');
  await server.query(`CREATE FUNCTION hypopg_create_index(text) RETURNS TABLE (indexname text) LANGUAGE plpgsql AS $$ BEGIN
    IF $1 LIKE '%created_at%' THEN RAISE 'not this one'; END IF;
    RETURN QUERY SELECT r.indexname FROM public.real_create_index($1) r; END $$`);
  expect((await advised(server)).entry.indexes).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ ...sized, gain: expect.stringMatching(/\(HypoPG\)$/) }),
      expect.objectContaining({ ...ordered, gain: expect.stringMatching(/not proven$/) }),
    ]),
  );
  await server.query('DROP FUNCTION hypopg_create_index(text)');
  await server.query('ALTER FUNCTION real_create_index(text) RENAME TO hypopg_create_index');

  for (const way of ['indexscan', 'indexonlyscan', 'bitmapscan'])
    await server.query(`ALTER SYSTEM SET enable_${way} = off`);
  await server.query('SELECT pg_reload_conf()');
  await eventually(async () => expect((await advised(server)).entry.indexes).toBeUndefined());
});
