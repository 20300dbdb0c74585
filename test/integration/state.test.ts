import { expect, test } from '@jest/globals';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { projectState, stateLabel } from '../../operator/reconcilers/state.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, startWorld } from '../world/world.ts';

test('a state that lost its label gets it back with the next change, and no original is lost', async () => {
  await using world = await startWorld({ redis: [{ config: { 'maxmemory-policy': 'volatile-ttl' } }] });
  const [server] = world.redis;
  const declare = (evictionPolicy: 'allkeys-lru' | 'allkeys-lfu') =>
    world.apply(
      generationService({
        redis: [{ name: 'cache', secretRef: { name: 'redis' } }],
        overrides: { redis: { evictionPolicy } },
      }),
    );
  await world.apply(deployment());
  await declare('allkeys-lru');
  await world.eventually(async () => expectCondition(await world.service(), 'RedisApplied', { status: 'True' }));
  const key = `${world.namespace}/generation-genops-state` as const;
  const without = [{ op: 'remove', path: '/metadata/labels' }] as const;
  await world.kube.patch(configMaps, key, without, {}, world.signal);

  await declare('allkeys-lfu');

  await world.eventually(async () => expect(await server?.configGet('maxmemory-policy')).toBe('allkeys-lfu'));
  const state = await world.get(configMaps, 'generation-genops-state');
  expect(state?.metadata.labels).toMatchObject({ [stateLabel]: 'true' });
  expect(state && projectState(state).state.levers['redis/cache']?.originals).toMatchObject({
    'maxmemory-policy': 'volatile-ttl',
  });
});
