import { expect, test } from '@jest/globals';
import type { Kube } from '../../../operator/kube/client.ts';
import type { Caches, WorkloadView } from '../../../operator/reconcilers/caches.ts';
import { findTargets } from '../../../operator/reconcilers/targets.ts';
import { storedService } from '../../world/builders.ts';

const named = (name: string, creationTimestamp: string) =>
  storedService({
    metadata: { name, uid: name, creationTimestamp },
    spec: {
      components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } }],
    },
  });
const older = named('older', '2026-01-01T00:00:00Z');
const younger = named('younger', '2026-01-02T00:00:00Z');
const workload: WorkloadView = { replicas: 2, selector: [], hasOverlap: true } as never;

async function targetOf(service: ReturnType<typeof named>, deployment: WorkloadView | undefined) {
  const caches = {
    services: { by: () => [older, younger] },
    deployments: { get: () => deployment },
    statefulSets: { get: () => undefined },
  } as unknown as Pick<Caches, 'services' | 'deployments' | 'statefulSets'>;
  const targets = await findTargets(service, { caches, kube: {} as Kube }, AbortSignal.timeout(1000));
  return targets.get('workflow');
}

test('of two services with one target the older one has it', async () => {
  expect(await targetOf(older, workload)).toMatchObject({ kind: 'found' });
  expect(await targetOf(younger, workload)).toEqual({ kind: 'claimed', by: 'ai/older' });
});

test('a target that is not there is nobody’s: each service is told that it is missing', async () => {
  expect(await targetOf(older, undefined)).toEqual({ kind: 'notFound' });
  expect(await targetOf(younger, undefined)).toEqual({ kind: 'notFound' });
});
