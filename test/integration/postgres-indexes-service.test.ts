import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { eventually } from '../world/eventually.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';
import { creations, indexesOf, makeTables } from './index-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

const declaring = (spec: object = {}) =>
  generationService({ postgres: [{ name: 'main', secretRef: { name: 'postgres' } }], ...spec });

async function worldWith(server: PostgresServer): Promise<World> {
  const world = await startWorld({ secrets: ['postgres'] });
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf(server) });
  await world.apply(deployment());
  return world;
}

/** A snapshot that every concurrent build has to wait for. */
async function oldSnapshot({ host, port }: PostgresServer) {
  const client = new Client({ host, port, user: 'postgres', database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT 1');
  return { end: () => client.end(), [Symbol.asyncDispose]: () => client.end() };
}

const sessions = (server: PostgresServer) => server.query('SELECT pid FROM pg_stat_progress_create_index');
/** By name: null where there is none. */
const statesOf = async (world: World) =>
  Object.fromEntries(
    (await world.service()).status?.postgres?.[0]?.indexes?.map(({ name, state }) => [name, state]) ?? [],
  );

test('the indexes of the guide are built as soon as their tables are there, and status tells each, and those that are advised', async () => {
  const settings = { log_statement: 'all', shared_preload_libraries: 'pg_stat_statements' };
  await using server = await startTuned({ version: '18', settings });
  await using world = await worldWith(server);
  await world.apply(declaring());
  await world.eventually(async () =>
    expect(await statesOf(world)).toEqual({
      workflows_status_created: 'NotApplicable',
      cache_entries_lookup: 'NotApplicable',
      performance_metrics_time: 'NotApplicable',
    }),
  );
  expectCondition(await world.service(), 'PostgresApplied', { status: 'True', reason: 'Applied' });

  await makeTables(server, 50_000);
  await world.eventually(
    async () => expect(await statesOf(world)).toMatchObject({ workflows_status_created: 'Valid' }),
    {
      withinMs: 60_000,
    },
  );
  await server.query('CREATE EXTENSION pg_stat_statements');
  await server.query('ANALYZE workflows');
  await server.query(`SELECT pg_stat_statements_reset(); SET ROLE app; SELECT id FROM workflows WHERE size = 7`);
  await world.apply(declaring({ overrides: { postgres: { indexAdvice: 'Recommend' } } }));
  await world.eventually(async () => expect(await statesOf(world)).toMatchObject({ workflows_size: 'Advised' }));
  const { message } = expectCondition(await world.service(), 'PostgresApplied', { status: 'True', reason: 'Applied' });
  expect(message).toContain('Advised, and never built unasked: public.workflows (size).');
  expect(await creations(server)).toHaveLength(1);
  expect(
    await world.operator.counter('genops_lever_changes_total', { lever: 'postgresql-indexes', result: 'applied' }),
  ).toBe(1);
});

test('an index of the guide on a table of somebody else keeps no parameter from being in force; once it is declared, it fails', async () => {
  await using server = await startTuned({ version: '18' });
  await server.query('CREATE ROLE stranger');
  await server.query('CREATE TABLE workflows (id bigint, status text, created_at timestamptz)');
  await server.query('ALTER TABLE workflows OWNER TO stranger');
  await using world = await worldWith(server);
  const parameters = { work_mem: '16MB' };
  await world.apply(declaring({ overrides: { postgres: { parameters } } }));
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  const { message } = expectCondition(await world.service(), 'PostgresApplied', { status: 'True', reason: 'Applied' });
  expect(message).toMatch(/1 parameters of main .* are in force.*workflows_status_created of the defaults .*stranger/);
  expect(await statesOf(world)).toMatchObject({ workflows_status_created: 'NotApplicable' });

  const indexes = [{ name: 'workflows_status_created' }];
  await world.apply(declaring({ overrides: { postgres: { parameters, indexes } } }));
  await world.eventually(async () =>
    expectCondition(await world.service(), 'PostgresApplied', { status: 'False', reason: 'PermissionDenied' }),
  );
});

test('a build goes on while the operator is killed, ends when the service is paused, and with the service that is deleted', async () => {
  await using server = await startTuned({ version: '15', settings: { log_statement: 'all' } });
  await makeTables(server, 100);
  await using world = await worldWith(server);
  await using _ = await oldSnapshot(server);
  await world.apply(declaring());
  await world.eventually(async () =>
    expect(await statesOf(world)).toMatchObject({ workflows_status_created: 'Building' }),
  );
  expectCondition(await world.service(), 'PostgresApplied', { status: 'False', reason: 'IndexBuilding' });

  await world.operator.kill();
  expect(await sessions(server)).toHaveLength(1);
  await world.restartOperator();
  await world.apply(declaring({ mode: 'Paused' }));
  await world.eventually(async () => expect(await indexesOf(server)).toEqual([]));
  expect(await sessions(server)).toEqual([]);
  expect(await creations(server)).toHaveLength(1);

  await world.apply(declaring({ mode: 'Enforce' }));
  await world.eventually(async () => expect(await sessions(server)).toHaveLength(1));
  await world.delete(generationServices, 'generation');
  await eventually(async () => expect(await indexesOf(server)).toEqual([]));
  expect(await sessions(server)).toEqual([]);
});
