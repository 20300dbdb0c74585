import { expect, test } from '@jest/globals';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { databaseCluster, databaseClusters, installDatabaseClusters } from '../world/database-cluster.ts';
import { allow } from '../world/rights.ts';
import { expectCondition, startWorld } from '../world/world.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

const clusterRef = { group: 'postgresql.cnpg.io', kind: 'Cluster', name: 'pg' };
const tuned = (parameters: Readonly<Record<string, string>>): Partial<GenerationServiceSpec> => ({
  deletionPolicy: 'Restore',
  postgres: [{ name: 'main', secretRef: { name: 'postgres' }, clusterRef }],
  overrides: { postgres: { parameters } },
});

test('parameters of a server that CloudNativePG owns go through its Cluster, beside those of others, and are read back from the server', async () => {
  await using server = await startTuned({ version: '18', settings: { allow_alter_system: 'off' } });
  await using world = await startWorld({ secrets: ['postgres'] });
  await installDatabaseClusters(world);
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf(server) });
  await world.apply(deployment());
  const { namespace, kube, signal } = world;
  const theirs = { max_wal_size: '1GB' };
  await kube.apply(databaseClusters, databaseCluster(namespace, theirs), { manager: 'kubectl', force: true }, signal);
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

  await world.apply(generationService(tuned({ work_mem: '16MB', max_wal_size: '2GB', jit: 'off' })));
  const conflict = await told('False', 'Conflict');
  expect(conflict.message).toContain('saw max_wal_size = 1GB (kubectl) in Cluster pg; wanted max_wal_size = 2GB');
  await world.eventually(async () => expect(await parameters()).toEqual({ ...theirs, work_mem: '16MB', jit: 'off' }));

  await world.delete(generationServices, 'generation');
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  expect(await parameters()).toEqual(theirs);
});
