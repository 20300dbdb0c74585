import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { runtimeSettingsFile, type RuntimeSettings } from '../../operator/api/runtime-settings.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, startWorld } from '../world/world.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

const patient = { withinMs: 60_000 };
const postgres = [{ name: 'main', secretRef: { name: 'postgres' } }];
/** (4 + 1 + 1) Pods. */
const withPool = (max: number): Partial<GenerationServiceSpec> => ({
  postgres,
  overrides: { horizontal: { maxReplicas: 3 }, runtime: { postgresPool: { min: 1, max } } },
});

test('two services that may together open more connections than their PostgreSQL has are told so, with what would fit', async () => {
  await using server = await startTuned({ version: '18', settings: { reserved_connections: '2' } });
  const { host, port } = server;
  await using world = await startWorld({ secrets: ['postgres'] });
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf(server) });
  await world.apply(deployment());
  await world.apply(deployment('other'));
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' };
  const younger = (spec: Partial<GenerationServiceSpec>) =>
    generationService({ components: [{ name: 'other', targetRef }], ...spec }, { name: 'younger' });

  await world.apply(generationService(withPool(10)));
  const fits = await world.eventually(async () =>
    expectCondition(await world.service(), 'BudgetsConsistent', { status: 'True', reason: 'Consistent' }),
  );
  expect(fits.message).toBe('The connections fit: 60 of 85 on main.');

  await world.apply(younger(withPool(5)));
  const exceeded = await world.eventually(async () =>
    expectCondition(await world.service('younger'), 'BudgetsConsistent', {
      status: 'False',
      reason: 'ConnectionsExceeded',
    }),
  );
  expect(exceeded.message).toBe(
    `saw 90 connections that may be opened on main at once: 30 of other (3 replicas, as many that still end in a roll-out; 5 each), 60 of ${world.namespace}/generation; wanted at most 85: max_connections 100 − 5 that the server reserves − 10 of postgres.reservedConnections; next: let it be so: budgets.onViolation has lowered runtime.postgresPool.max to 4 for other, or declare runtime.postgresPool.max: 4 for other, or name the pooler that stands in between (spec.postgres[].pooler), or raise max_connections to 105`,
  );
  const { status } = await world.service('younger');
  expect(status?.postgres).toMatchObject([{ name: 'main', connections: { needed: 90, available: 85 } }]);

  const poolOf = async (configMap: string): Promise<unknown> => {
    const text = (await world.get(configMaps, configMap))?.data?.[runtimeSettingsFile] ?? '{}';
    return (JSON.parse(text) as Partial<RuntimeSettings>).postgresPool?.max;
  };
  await world.eventually(async () => expect(await poolOf('younger-other-runtime')).toBe(4)); // 5 × 85 / 90
  await world.eventually(async () => expect(await poolOf('generation-workflow-runtime')).toBe(9), patient); // 10 × 85 / 90

  await world.apply(
    younger({
      postgres,
      overrides: { horizontal: { maxReplicas: 20 }, runtime: { postgresPool: { min: 5, max: 5 } } },
    }),
  );
  const replicas = async () => (await world.service('younger')).status?.components?.[0]?.replicas;
  // (2 + 2) × 1 of the older and (8 + 8) × 5 are 84; 9 replicas would be 94
  await world.eventually(async () =>
    expect(await replicas()).toMatchObject({ max: 8, boundBy: 'postgres/main max_connections' }),
  );
  const hpa = () => world.get(horizontalPodAutoscalers, 'younger-other-hpa');
  expect((await hpa())?.spec.maxReplicas).toBe(8);
  const bounded = expectCondition(await world.service('younger'), 'BudgetsConsistent', { status: 'False' });
  expect(bounded.message).toContain(
    'budgets.onViolation has lowered runtime.postgresPool.max to 5 for other and horizontal.maxReplicas to 8 for other',
  );

  const lowered = (await world.get(configMaps, 'younger-other-runtime'))?.metadata.resourceVersion;
  const { generation } = (await hpa())?.metadata ?? {};
  await world.operator.kill();
  await world.restartOperator(['--no-leader-elect']);
  const visits = { controller: 'generation-service', result: 'success' };
  await world.eventually(async () =>
    expect(await world.operator.counter('genops_reconcile_total', visits)).toBeGreaterThanOrEqual(4),
  );
  expect((await world.get(configMaps, 'younger-other-runtime'))?.metadata.resourceVersion).toBe(lowered);
  expect((await hpa())?.metadata.generation).toBe(generation); // of its status others are the writers
  expect(await replicas()).toMatchObject({ max: 8, boundBy: 'postgres/main max_connections' });

  await world.apply(
    younger({ ...withPool(5), postgres: [{ ...postgres[0], pooler: { serverConnections: 20 } }] as never }),
  );
  await world.eventually(async () =>
    expectCondition(await world.service('younger'), 'BudgetsConsistent', { status: 'True', reason: 'Consistent' }),
  );
  await world.eventually(async () => expect(await poolOf('younger-other-runtime')).toBe(5), patient);
  await world.eventually(async () => expect((await hpa())?.spec.maxReplicas).toBe(3));
  await world.eventually(async () => expect(await replicas()).not.toHaveProperty('boundBy'));

  const clients = Array.from({ length: 10 }, () => new Client({ host, port, user: 'postgres', database: 'postgres' }));
  for (const client of clients) await client.connect();
  await world.apply(generationService(withPool(1)));
  await world.apply(
    younger({
      postgres: [{ ...postgres[0], pooler: { serverConnections: 3 } }] as never,
      overrides: { postgres: { reservedConnections: 0 } },
    }),
  );
  const reason = 'ConnectionsUndeclared';
  const more = await world.eventually(
    async () => expectCondition(await world.service('younger'), 'BudgetsConsistent', { status: 'False', reason }),
    patient,
  );
  expect(more.message).toMatch(
    /saw more than 9 sessions open on main; .*3 of its pooler, 6 of .*spec\.postgres\[\]\.pooler/,
  );
  await Promise.all(clients.map((client) => client.end()));
});

test('a database that takes fewer connections than its server bounds them, and with the limit the bound goes', async () => {
  await using server = await startTuned({ version: '18' });
  await server.query('ALTER DATABASE postgres CONNECTION LIMIT 40');
  await using world = await startWorld({ secrets: ['postgres'] });
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf(server) });
  await world.apply(deployment());
  await world.apply(generationService(withPool(10)));
  const exceeded = await world.eventually(async () =>
    expectCondition(await world.service(), 'BudgetsConsistent', { status: 'False', reason: 'ConnectionsExceeded' }),
  );
  expect(exceeded.message).toContain(
    'wanted at most 30: connection limit of database postgres 40 − 10 of postgres.reservedConnections; next: ',
  );
  expect(exceeded.message).toMatch(/or raise the connection limit of database postgres to 70 \(ALTER DATABASE/);
  const { status } = await world.service();
  expect(status?.postgres).toMatchObject([{ name: 'main', connections: { needed: 60, available: 30 } }]);

  await server.query('ALTER DATABASE postgres CONNECTION LIMIT -1');
  await world.eventually(
    async () => expectCondition(await world.service(), 'BudgetsConsistent', { status: 'True', reason: 'Consistent' }),
    patient,
  );
});

test('a role that may have fewer connections than its server bounds them too, whatever it is called, and one that is not there is told', async () => {
  await using server = await startTuned({ version: '15' });
  const clientRole = `the "app"; DROP TABLE x; --'`;
  const quoted = `"${clientRole.replaceAll('"', '""')}"`;
  await server.query(`CREATE ROLE ${quoted} LOGIN CONNECTION LIMIT 40`);
  await using world = await startWorld({ secrets: ['postgres'] });
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf(server) });
  await world.apply(deployment());
  const withRole = (name: string): Partial<GenerationServiceSpec> => ({
    postgres: postgres.map((one) => ({ ...one, clientRole: name })),
    overrides: { horizontal: { maxReplicas: 20 }, runtime: { postgresPool: { min: 5, max: 5 } } },
  });
  await world.apply(generationService(withRole(clientRole)));
  const exceeded = await world.eventually(async () =>
    expectCondition(await world.service(), 'BudgetsConsistent', { status: 'False', reason: 'ConnectionsExceeded' }),
  );
  expect(exceeded.message).toContain(`wanted at most 40: connection limit of role ${clientRole} 40; next: `);
  await world.eventually(async () =>
    expect((await world.service()).status?.components?.[0]?.replicas).toMatchObject({
      boundBy: `postgres/main connection limit of role ${clientRole}`,
    }),
  );

  await server.query(`ALTER ROLE ${quoted} CONNECTION LIMIT -1`);
  const told = (reason: string, status: 'False' | 'Unknown') =>
    world.eventually(
      async () => expectCondition(await world.service(), 'BudgetsConsistent', { status, reason }),
      patient,
    );
  await world.eventually(
    async () =>
      expect((await told('ConnectionsExceeded', 'False')).message).toContain('wanted at most 87: max_connections 100'),
    patient,
  );
  await world.apply(generationService({ ...withRole('nobody'), overrides: withPool(5).overrides ?? {} }));
  expect((await told('ConnectionsUnknown', 'Unknown')).message).toMatch(/^saw no role nobody on main; .*clientRole/);
});

test('a quota bounds replicas while a PostgreSQL was never reached, and a pool that is new begins with its least', async () => {
  await using server = await startTuned({ version: '18' });
  await using world = await startWorld({ secrets: ['postgres'] });
  const secret = (port: number) =>
    world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf({ port }) });
  await secret(1);
  const half = { resources: { requests: { cpu: '500m' } } };
  const quota = (cpu: string) => ({ kind: 'ResourceQuota', spec: { hard: { 'requests.cpu': cpu } } });
  await world.apply({ apiVersion: 'v1', metadata: { name: 'compute' }, ...quota('3') });
  await world.apply(deployment('workflow-execution', half));
  await world.apply(
    generationService({
      postgres,
      overrides: { horizontal: { maxReplicas: 10 }, runtime: { postgresPool: { min: 2, max: 4 } } },
    }),
  );

  const most = async () => (await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec.maxReplicas;
  const pool = async () => {
    const text = (await world.get(configMaps, 'generation-workflow-runtime'))?.data?.[runtimeSettingsFile] ?? '{}';
    return (JSON.parse(text) as Partial<RuntimeSettings>).postgresPool;
  };
  await world.eventually(async () => expect(await most()).toBe(6));
  expect(await pool()).toMatchObject({ min: 2, max: 2 });
  await world.apply({ apiVersion: 'v1', metadata: { name: 'compute' }, ...quota('4') });
  await world.eventually(async () => expectQuota(await world.service(), 8), patient);
  expect(await most()).toBe(6); // the PostgreSQL may leave less than that

  await secret(server.port);
  await world.eventually(async () => expect(await pool()).toMatchObject({ min: 2, max: 4 }), patient);
  await world.eventually(async () => expect(await most()).toBe(8), patient);
});

/** What the budget says that there may be. */
function expectQuota(service: Parameters<typeof expectCondition>[0], replicas: number): void {
  const { message } = expectCondition(service, 'BudgetsConsistent', { status: 'False', reason: 'QuotaExceeded' });
  expect(message).toContain(`lowered horizontal.maxReplicas to ${replicas} for workflow`);
}
