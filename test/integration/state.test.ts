import { expect, test } from '@jest/globals';
import { configMaps, generationServices } from '../../operator/reconcilers/kinds.ts';
import { createStates, projectState, readState, stateLabel } from '../../operator/reconcilers/state.ts';
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

test('what several loops write of one state at once is all there, and one that is stopped meanwhile holds up no other', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(generationService({ deletionPolicy: 'Retain' }));
  const service = await world.get(generationServices, 'generation');
  if (service === undefined) throw new Error('it was declared');
  const states = createStates(world.kube, { get: () => undefined, hasSeen: () => false }); // the watch is late
  const kept = { floor: 2, lastScaledAt: 1_800_000_000_000 };
  const scaled = (component: string) =>
    states.write(service, (state) => ({ ...state, scaler: { ...state.scaler, [component]: kept } }), world.signal);
  const levers = { 'redis/cache': { originals: { maxmemory: '0' } } };

  const ends = await Promise.allSettled([
    scaled('first'),
    states.write(service, (state) => ({ ...state, levers }), world.signal),
    states.write(service, (state) => ({ ...state, levers: {} }), AbortSignal.abort()),
    scaled('second'),
    states.hold({ ...service, spec: { ...service.spec, deletionPolicy: 'Restore' } }, world.signal),
    scaled('third'),
  ]);

  expect(ends.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, true, true]);
  const written = { version: 1, levers, scaler: { first: kept, second: kept, third: kept } };
  expect(states.of(service)).toEqual(written);
  expect(await readState(world.kube, service, world.signal)).toEqual(written);
});
