import { expect, test } from '@jest/globals';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { readyPod } from '../world/ready-pod.ts';
import { expectCondition, startWorld } from '../world/world.ts';
import { resource } from '../../operator/kube/resource.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { listening } from './source-world.ts';

const statefulSets = resource<KubeObject & { readonly spec: { readonly replicas: number } }>({
  group: 'apps',
  version: 'v1',
  plural: 'statefulsets',
  kind: 'StatefulSet',
  namespaced: true,
});

test('a StatefulSet without an HPA is scaled with the rights of the chart, and none is missing', async () => {
  await using queue = await listening((_, response) => {
    const page = ['# TYPE generation_queue_length gauge', 'generation_queue_length 90', ''].join('\n');
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(page);
  });
  await using world = await startWorld({ operator: ['--allow-metric-address', '127.0.0.0/8', '--no-leader-elect'] });
  const { spec } = deployment('workflow-execution', { replicas: 2 });
  const pod = { ...spec.template.spec, schedulerName: 'nobody' };
  await world.apply({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'workflow-execution' },
    spec: { ...spec, serviceName: 'workflow', template: { ...spec.template, spec: pod } },
  });
  await readyPod(world, queue.port);
  const signals = [{ name: 'queue', metric: 'queueLength', operator: 'GreaterThan', value: '50', score: 25 }] as const;
  await world.apply(
    performancePolicy({
      collector: { interval: '2s', timeout: '1s' },
      horizontal: { mode: 'Off' },
      scaler: { interval: '5s', cooldown: '1h', scaleUp: { threshold: 10, signals: [...signals] } },
    }),
  );
  const targetRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'workflow-execution' };
  await world.apply(
    generationService({ policyRef: { name: 'standard' }, components: [{ name: 'workflow', targetRef }] }),
  );
  await world.eventually(
    async () => expect((await world.get(statefulSets, 'workflow-execution'))?.spec.replicas).toBe(4),
    { withinMs: 60_000 },
  );
  await world.eventually(async () => expectCondition(await world.service(), 'TargetFound', { status: 'True' }));
  expect(world.operator.wholeLog()).not.toMatch(/forbidden: User/i);
});
