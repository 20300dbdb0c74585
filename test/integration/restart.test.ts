import { expect, test } from '@jest/globals';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { deployment, generationService } from '../world/builders.ts';
import { startWorld, type World } from '../world/world.ts';
import { listening } from './source-world.ts';

const flags = ['--no-leader-elect', '--allow-metric-address', '127.0.0.0/8'];
const manager = { manager: 'kubectl', force: true };

/** No node has it: what listens on loopback stands for its container. */
async function readyPod(world: World, port: number): Promise<void> {
  const identity = { namespace: world.namespace, name: 'workflow-0' };
  const securityContext = {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const container = { name: 'app', image: 'app', ports: [{ name: 'metrics', containerPort: port }], securityContext };
  await world.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: identity.name, labels: { app: 'workflow-execution' } },
    spec: { schedulerName: 'nobody', containers: [container] },
  });
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions };
  const options = { ...manager, subresource: 'status' } as const;
  await world.kube.apply(podResource, { metadata: identity, status }, options, world.signal);
}

const objectiveOf = async (world: World, wanted: string) =>
  (await world.service()).status?.objectives?.find(({ name }) => name === wanted);

test('a restart writes nothing to a service whose Pods are ready and whose cache was asked', async () => {
  await using world = await startWorld({ redis: [{}], operator: flags });
  await using page = await listening((_, response) =>
    response.end(
      'http_server_request_duration_seconds_bucket{le="+Inf"} 9\nhttp_server_request_duration_seconds_count 9\nprocess_resident_memory_bytes 1000000\n',
    ),
  );
  const [redis] = world.redis;
  await redis?.command('SET', 'item', 'value');
  await world.apply(deployment());
  await readyPod(world, page.port);
  const collector = { interval: '1s', timeout: '1s' };
  const service = (visit: number) =>
    generationService(
      { redis: [{ name: 'cache', secretRef: { name: 'redis' } }], overrides: { collector } },
      { annotations: { visit: String(visit) } }, // a change that changes nothing: Redis is asked anew
    );
  await world.apply(service(1));
  await world.eventually(async () => expect(await objectiveOf(world, 'Memory')).toMatchObject({ state: 'Met' }));
  for (let count = 0; count < 30; count += 1) await redis?.command('GET', 'item');
  await world.apply(service(2));
  await world.eventually(async () => expect(await objectiveOf(world, 'CacheHitRatio')).toMatchObject({ state: 'Met' }));
  const { metadata } = await world.service();

  await world.restartOperator(flags);

  const visits = { controller: 'generation-service', result: 'success' };
  await world.eventually(async () =>
    expect(await world.operator.counter('genops_reconcile_total', visits)).toBeGreaterThan(1),
  );
  await world.consistently(
    async () => expect((await world.service()).metadata.resourceVersion).toBe(metadata.resourceVersion),
    8_000,
  );
});
