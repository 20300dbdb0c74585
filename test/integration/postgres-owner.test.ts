import { expect, test } from '@jest/globals';
import { appendFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { readOwner, writeOwner } from '../../operator/levers/postgresql/owner.ts';
import type { PostgresUnit } from '../../operator/levers/postgresql/unit.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import {
  databaseCluster,
  databaseClusters,
  installDatabaseClusters,
  installDatabaseKind,
  otherDatabaseKinds,
} from '../world/database-cluster.ts';
import { allow } from '../world/rights.ts';
import { events, expectCondition, startWorld } from '../world/world.ts';
import { makeTables, off, wantedIndex } from './index-tuner.ts';
import { autoConf, secretOf, startTuned } from './postgres-tuner.ts';

const clusterRef = { group: 'postgresql.cnpg.io', kind: 'Cluster', name: 'pg' };
const tuned = (parameters: Readonly<Record<string, string>>, indexes = off): Partial<GenerationServiceSpec> => ({
  deletionPolicy: 'Restore',
  postgres: [{ name: 'main', secretRef: { name: 'postgres' }, clusterRef }],
  overrides: { postgres: { parameters, indexes } },
});

test('parameters of a server that CloudNativePG owns go through its Cluster, beside those of others, and are read back from the server', async () => {
  await using server = await startTuned({
    version: '18',
    settings: { allow_alter_system: 'off', log_statement: 'all' },
  });
  await using world = await startWorld({ secrets: ['postgres'] });
  await installDatabaseClusters(world);
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf(server) });
  await world.apply(deployment());
  const { namespace, kube, signal } = world;
  const theirs = { random_page_cost: '1.1' };
  const withVolume = (size: string, more: object = {}) => {
    const { spec, ...cluster } = databaseCluster(namespace, theirs, size);
    const changed = { ...cluster, spec: { ...spec, ...more } };
    return kube.apply(databaseClusters, changed, { manager: 'kubectl', force: true }, signal);
  };
  const volume = async () => (await readOwner({ namespace, clusterRef } as PostgresUnit, kube, signal))?.volume;
  await withVolume('1Mi');
  expect(await volume()).toEqual({ bytes: 2 ** 20, hasLog: true });
  const parameters = async () => (await world.get(databaseClusters, 'pg'))?.spec.postgresql?.parameters;
  const told = (status: 'True' | 'False', reason: string) =>
    world.eventually(async () => expectCondition(await world.service(), 'PostgresApplied', { status, reason }), {
      withinMs: 45_000,
    });

  await world.apply(generationService(tuned({ work_mem: '16MB', max_connections: '120' })));
  const { message } = await told('False', 'PermissionDenied');
  expect(message).toContain('--verb=get,patch --resource=clusters.postgresql.cnpg.io --resource-name=pg');
  await allow(
    kube,
    namespace,
    { apiGroups: [clusterRef.group], resources: ['clusters'], resourceNames: ['pg'], verbs: ['get', 'patch'] },
    signal,
  );

  const behind = await told('False', 'OwnerBehind');
  expect(behind.message).toMatch(/^saw work_mem 4MB instead of 16MB on main; .* Cluster pg has the declared values/);
  expect(await parameters()).toEqual({ ...theirs, work_mem: '16MB' });
  await appendFile(join(server.folder, 'data/postgresql.conf'), "work_mem = '16MB'\n"); // as its operator does
  await server.query('SELECT pg_reload_conf()');
  const applied = await told('True', 'ReportOnly');
  expect(applied.message).toMatch(/max_connections 100 instead of 120 on main.*set them in Cluster pg yourself/);

  await world.apply(generationService(tuned({ work_mem: '16MB', random_page_cost: '1.5', jit: 'off' })));
  const conflict = await told('False', 'Conflict');
  expect(conflict.message).toContain(
    'saw random_page_cost = 1.1 (kubectl) in Cluster pg; wanted random_page_cost = 1.5',
  );
  await world.eventually(async () => expect(await parameters()).toEqual({ ...theirs, work_mem: '16MB', jit: 'off' }));

  const indexIs = (state: string) =>
    world.eventually(async () => {
      const { status } = await world.service();
      const entry = expect.objectContaining({ name: 'workflows_status_created', state });
      expect(status?.postgres?.[0]?.indexes).toContainEqual(entry);
    });
  await makeTables(server, 1000);
  await server.query('ANALYZE workflows');
  const built = [wantedIndex, ...off.slice(1)]; // not before: a table that is not analysed yet would fit
  await world.apply(generationService(tuned({ work_mem: '16MB', random_page_cost: '1.5' }, built)));
  await indexIs('Failed');
  await world.eventually(async () => {
    const full = expectCondition(await world.service(), 'PostgresApplied', { status: 'False' });
    expect(full.message).toMatch(/saw a table public\.workflows of 1 MiB on a volume of 1 MiB, of which more than/);
  });
  await withVolume('100Gi', { walStorage: { size: '1Gi' } });
  expect(await volume()).toEqual({ bytes: 100 * 2 ** 30, hasLog: false });
  await world.apply(generationService(tuned({ work_mem: '16MB' }, built)));
  await indexIs('Valid');
  expect((await server.log()).match(/^genops LOG:.*pg_tablespace_size/gm)).toHaveLength(1);

  await world.delete(generationServices, 'generation');
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  expect(await parameters()).toEqual(theirs);
});

test('a server that was tuned directly gets back what it had once CloudNativePG has it, and the Cluster has the values', async () => {
  await using server = await startTuned({ version: '15' });
  await using world = await startWorld({ secrets: ['postgres'] });
  await installDatabaseClusters(world);
  const { namespace, kube, signal } = world;
  const before = await autoConf(server);
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf(server) });
  await world.apply(deployment());
  await kube.apply(databaseClusters, databaseCluster(namespace, {}), { manager: 'kubectl', force: true }, signal);
  await allow(
    kube,
    namespace,
    { apiGroups: [clusterRef.group], resources: ['clusters'], resourceNames: ['pg'], verbs: ['get', 'patch'] },
    signal,
  );
  const { postgres, ...spec } = tuned({ work_mem: '16MB', max_connections: '120' });
  const main = { name: 'main', secretRef: { name: 'postgres' } };
  await world.apply(generationService({ ...spec, postgres: [main] }));
  const told = (status: 'True' | 'False', reason: string) =>
    world.eventually(async () => expectCondition(await world.service(), 'PostgresApplied', { status, reason }), {
      withinMs: 45_000,
    });
  await told('True', 'PendingRestart');
  expect((await autoConf(server)).split('\n')).toEqual(
    expect.arrayContaining(["max_connections = '120'", "work_mem = '16MB'"]),
  );

  const file = join(server.folder, 'data/postgresql.auto.conf');
  await chmod(file, 0o400); // as its operator has it before 17
  await world.apply(generationService({ ...spec, ...(postgres && { postgres }) }));
  const stuck = await told('False', 'AlterSystemOff');
  expect(stuck.message).toContain('saw max_connections = 120, work_mem = 16MB on main, and "could not open file');
  expect(stuck.message).toContain('wanted max_connections = what Cluster pg says, work_mem = what Cluster pg says');
  expect(stuck.message).toContain('next: allow ALTER SYSTEM for a minute (CloudNativePG:');
  await chmod(file, 0o600);
  await world.eventually(async () => expect(await autoConf(server)).toBe(before), { withinMs: 45_000 });
  await told('False', 'OwnerBehind');
  expect((await world.get(databaseClusters, 'pg'))?.spec.postgresql?.parameters).toEqual({ work_mem: '16MB' });
  const note = expect.stringContaining('work_mem 16MB → what Cluster pg says');
  await world.eventually(async () =>
    expect(await kube.list(events, { namespace }, signal)).toContainEqual(
      expect.objectContaining({ reason: 'SettingsChanged', note }),
    ),
  );
  await appendFile(join(server.folder, 'data/postgresql.conf'), "work_mem = '16MB'\n"); // as its operator does
  await server.query('SELECT pg_reload_conf()');
  await told('True', 'ReportOnly');
});

test('those of Crunchy, Percona and Zalando have them where their own operators look, beside those of others, and give them back', async () => {
  await using world = await startWorld();
  const { namespace, kube, signal } = world;
  for (const owned of otherDatabaseKinds) {
    const installed = await installDatabaseKind(world, owned);
    const object = (parameters: object) => ({ metadata: { name: 'pg', namespace }, spec: owned.specWith(parameters) });
    await kube.apply(installed, object({ max_wal_size: '1GB' }), { manager: 'kubectl', force: true }, signal);
    const unit = { namespace, clusterRef: { group: owned.group, kind: owned.kind, name: 'pg' } } as PostgresUnit;
    const before = await readOwner(unit, kube, signal);
    expect(before).toMatchObject({
      ours: [],
      others: { max_wal_size: 'kubectl' },
      parameters: { max_wal_size: '1GB' },
    });

    await writeOwner(unit, { uid: before?.uid ?? '', parameters: { work_mem: '16MB', jit: 'off' } }, kube, signal);
    expect(await world.get(installed, 'pg')).toMatchObject(
      object({ max_wal_size: '1GB', work_mem: '16MB', jit: 'off' }),
    );
    expect(await readOwner(unit, kube, signal)).toMatchObject({ ours: ['jit', 'work_mem'] });
    const refused = writeOwner(unit, { uid: before?.uid ?? '', parameters: { max_wal_size: '2GB' } }, kube, signal);
    await expect(refused).rejects.toMatchObject({ reason: 'Conflict', saw: expect.stringContaining('kubectl') });

    await writeOwner(unit, { uid: before?.uid ?? '', parameters: {} }, kube, signal);
    expect(await world.get(installed, 'pg')).toMatchObject(object({ max_wal_size: '1GB' }));
    expect(await readOwner(unit, kube, signal)).toMatchObject({ ours: [], parameters: { max_wal_size: '1GB' } });
    if (owned.kind === 'postgresql') continue; // its map holds texts alone; Patroni takes figures and truth too
    await kube.apply(
      installed,
      object({ max_worker_processes: 16, jit: false }),
      { manager: 'kubectl', force: true },
      signal,
    );
    expect((await readOwner(unit, kube, signal))?.parameters).toEqual({ max_worker_processes: '16', jit: 'off' });
  }
});
