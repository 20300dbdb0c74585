import { expect, test } from '@jest/globals';
import { generationServices, performancePolicies } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { settled } from '../world/eventually.ts';
import { readyPod } from '../world/ready-pod.ts';
import { startWorld, type World } from '../world/world.ts';
import { listening } from './source-world.ts';

const flags = ['--no-leader-elect', '--allow-metric-address', '127.0.0.0/8'];
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
  const version = async () => (await world.service()).metadata.resourceVersion;
  const before = await settled(version);

  await world.restartOperator(flags);

  const visits = { controller: 'generation-service', result: 'success' };
  await world.eventually(async () =>
    expect(await world.operator.counter('genops_reconcile_total', visits)).toBeGreaterThan(1),
  );
  await world.consistently(async () => expect(await version()).toBe(before), 8_000);
});

test('a service that was deleted while no operator ran is counted by its policy no longer', async () => {
  await using world = await startWorld();
  await world.apply(performancePolicy());
  await world.apply(generationService({ policyRef: { name: 'standard' } }));
  const counted = async () => (await world.get(performancePolicies, 'standard'))?.status?.services;
  await world.eventually(async () => expect(await counted()).toBe(1));
  await world.operator.kill();
  await world.delete(generationServices, 'generation');

  await world.restartOperator();

  await world.eventually(async () => expect(await counted()).toBe(0));
});
