import { expect, test } from '@jest/globals';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { eventNotes, expectCondition, startWorld, type World } from '../world/world.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

/** Each of these texts is like this. */
const of = (pattern: RegExp, ...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, expect.stringMatching(pattern)]));

const main = { name: 'main', secretRef: { name: 'postgres' } };
const off = ['workflows_status_created', 'cache_entries_lookup', 'performance_metrics_time'].map((name) => ({
  name,
  mode: 'Off',
}));
const declaring = (parameters: Readonly<Record<string, string>>) => ({
  postgres: [main],
  overrides: { postgres: { parameters } },
});

async function worldWith(server: PostgresServer): Promise<World> {
  const world = await startWorld({ secrets: ['postgres'] });
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf(server) });
  await world.apply(deployment());
  await world.apply(deployment('other'));
  return world;
}

const valueOf = async (server: PostgresServer, name: string): Promise<unknown> =>
  (await server.query('SELECT current_setting($1) AS value', [name]))[0]?.['value'];

test('a PostgreSQL takes the policy’s parameters, drift is put back and counted, slow statements are told, and a deleted service gives everything back', async () => {
  await using server = await startTuned({
    version: '18',
    settings: { shared_preload_libraries: 'pg_stat_statements' },
  });
  const slow = () => server.query("SELECT pg_sleep(0.2) WHERE 'SeCrEt' <> ''");
  await server.query('CREATE EXTENSION pg_stat_statements');
  await slow();
  await using world = await worldWith(server);
  await world.apply(
    generationService({
      deletionPolicy: 'Restore',
      postgres: [main],
      overrides: {
        postgres: {
          parameters: { work_mem: '16MB', max_connections: '120' },
          indexes: off,
          slowStatements: { threshold: '100ms' },
        },
      },
    } as Parameters<typeof generationService>[0]),
  );
  await world.eventually(async () =>
    expectCondition(await world.service(), 'PostgresApplied', { status: 'True', reason: 'PendingRestart' }),
  );
  expect(await valueOf(server, 'work_mem')).toBe('16MB');
  expect((await world.service()).status?.postgres).toEqual([
    {
      name: 'main',
      version: expect.stringMatching(/^18\./),
      hash: expect.stringMatching(/^[0-9a-f]{8}$/),
      pendingRestart: ['max_connections'],
      connections: { needed: 800, available: 87 },
    },
  ]);

  await slow();
  await slow();
  await server.query("ALTER SYSTEM SET work_mem = '5MB'");
  await server.query('SELECT pg_reload_conf()');
  await world.eventually(async () => expect(await valueOf(server, 'work_mem')).toBe('16MB'), { withinMs: 45_000 });
  await world.eventually(async () => {
    const { status } = await world.service();
    const statement = { statement: 'SELECT pg_sleep(?) WHERE ? <> ?', calls: 2 };
    expect(status?.postgres?.[0]?.slowStatements).toMatchObject({
      source: 'pg_stat_statements',
      observedAt: expect.any(String),
      statements: [{ ...statement, ...of(/^(?:[2-9]\d\d|\d{4,})ms$/, 'mean', 'max', 'min') }],
    });
    expect(JSON.stringify(status)).not.toContain('SeCrEt');
  });
  await world.eventually(async () =>
    expect(await world.operator.counter('genops_drift_total', { lever: 'postgresql' })).toBe(1),
  );

  await world.delete(generationServices, 'generation');
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  expect(await valueOf(server, 'work_mem')).toBe('4MB');
  const [pending] = await server.query('SELECT count(*)::int AS n FROM pg_settings WHERE pending_restart');
  expect(pending).toEqual({ n: 0 });
  await world.eventually(async () =>
    expect(await eventNotes(world, 'SettingsRestored')).toEqual([
      expect.stringMatching(/^postgresql main: \d+ put back, since the service is deleted: .*work_mem 16MB → /),
    ]),
  );
});

test('what is not declared any more and waits for a restart, or is in force all the same, is told, with the command that takes it out', async () => {
  await using server = await startTuned({ version: '18' });
  await using world = await worldWith(server);
  const declare = (parameters: Readonly<Record<string, string>>) =>
    world.apply(
      generationService({ postgres: [main], overrides: { postgres: { parameters, indexes: off } } } as Parameters<
        typeof generationService
      >[0]),
    );
  await declare({ work_mem: '16MB', max_connections: '120' });
  await world.eventually(async () =>
    expectCondition(await world.service(), 'PostgresApplied', { status: 'True', reason: 'PendingRestart' }),
  );

  await declare({ work_mem: '16MB' });
  await world.eventually(async () => {
    const { message } = expectCondition(await world.service(), 'PostgresApplied', {
      status: 'True',
      reason: 'PendingRestart',
    });
    expect(message).toMatch(
      /^Of main, max_connections = 120 is no longer declared.*; next: ALTER SYSTEM RESET max_connections; SELECT pg_reload_conf\(\)\.$/,
    );
  });

  await server.query('ALTER SYSTEM RESET max_connections');
  await server.query('SELECT pg_reload_conf()');
  await world.eventually(
    async () => expectCondition(await world.service(), 'PostgresApplied', { status: 'True', reason: 'Applied' }),
    { withinMs: 45_000 },
  );

  await declare({ jit: 'on' });
  await world.eventually(async () => {
    const applied = { status: 'True', reason: 'Applied' } as const;
    expect(expectCondition(await world.service(), 'PostgresApplied', applied).message).toMatch(
      /Of main, work_mem = 16MB is no longer declared, and stays in force; next: ALTER SYSTEM RESET work_mem; SELECT pg_reload_conf\(\)\./,
    );
  });
  expect(await valueOf(server, 'work_mem')).toBe('16MB');
});

test('parameters that the container of the server has no memory for are not written, whatever the policy says that it has', async () => {
  await using server = await startTuned({ version: '18' });
  await using world = await worldWith(server);
  const { spec, ...workload } = deployment('pg');
  const [container] = spec.template.spec.containers;
  const containers = [{ ...container, resources: { limits: { memory: '1Gi' } } }];
  const template = { ...spec.template, spec: { containers } };
  await world.apply({ ...workload, spec: { ...spec, template } });
  const workloadRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'pg' };
  await world.apply(
    generationService({
      postgres: [{ ...main, workloadRef }],
      overrides: { postgres: { sizing: { memory: '64Gi', cpus: '2' }, parameters: { shared_buffers: '800MB' } } },
    }),
  );
  const { message } = await world.eventually(async () =>
    expectCondition(await world.service(), 'PostgresApplied', { status: 'False', reason: 'OutOfBounds' }),
  );
  expect(message).toMatch(/wanted at most 410MB, 40 % of the memory limit of Deployment pg/);
  const [written] = await server.query(
    "SELECT count(*)::int AS n FROM pg_settings WHERE name = 'shared_buffers' AND pending_restart",
  );
  expect(written).toEqual({ n: 0 });
});

test('two services on one PostgreSQL: the older tunes it, the younger is told by whom', async () => {
  await using server = await startTuned({ version: '15' });
  await using world = await worldWith(server);
  await world.apply(generationService(declaring({ work_mem: '16MB' })));
  await world.eventually(async () =>
    expectCondition(await world.service(), 'PostgresApplied', { status: 'True', reason: 'Applied' }),
  );
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' };
  await world.apply(
    generationService(
      { components: [{ name: 'other', targetRef }], ...declaring({ work_mem: '32MB' }) },
      { name: 'younger' },
    ),
  );
  const { message } = await world.eventually(async () =>
    expectCondition(await world.service('younger'), 'PostgresApplied', { status: 'False', reason: 'Conflict' }),
  );
  expect(message).toContain(`${world.namespace}/generation`);
  expect(await valueOf(server, 'work_mem')).toBe('16MB');
});
