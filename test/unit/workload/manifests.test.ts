import { expect, test } from '@jest/globals';
import { workloadManifests } from '../../workload/manifests.ts';

test('the manifests are placed into a namespace, the Redis and its Secret before who needs them', async () => {
  const manifests = await workloadManifests('ai');
  expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([
    'Secret ai/redis',
    'Service ai/redis',
    'StatefulSet ai/redis',
    'Service ai/generation',
    'Deployment ai/workflow-execution',
  ]);
});

test('model and PostgreSQL come first where they are wanted', async () => {
  const manifests = await workloadManifests('ai', { withBackends: true });
  const without = await workloadManifests('ai');
  expect(manifests.slice(-without.length)).toEqual(without);
  expect(manifests.slice(0, -without.length).map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'ConfigMap model',
    'Service model',
    'Deployment model',
    'Secret postgres',
    'Service postgres',
    'StatefulSet postgres',
  ]);
});
