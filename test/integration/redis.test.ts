import { expect, test } from '@jest/globals';
import { configMaps, generationServices, performancePolicies } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { eventNotes, expectCondition, startWorld } from '../world/world.ts';

const cache = { name: 'cache', secretRef: { name: 'redis' } };

test('a Redis takes the policy’s settings, and what somebody changes by hand is put back and counted as drift', async () => {
  await using world = await startWorld({ redis: [{}] });
  const [redis] = world.redis;
  await world.apply(deployment());
  await world.apply(performancePolicy({ redis: { maxMemory: '64Mi' } }));
  await world.apply(generationService({ policyRef: { name: 'standard' }, redis: [cache] }));
  await world.eventually(async () =>
    expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
  );
  expect(await redis?.configGet('maxmemory')).toBe('67108864');
  expect(await redis?.configGet('save')).toBe('900 1 300 10 60 10000');

  await redis?.configSet('maxmemory-policy', 'noeviction');

  await world.eventually(async () => expect(await redis?.configGet('maxmemory-policy')).toBe('allkeys-lru'), {
    withinMs: 45_000,
  });
  await world.eventually(async () =>
    expect(await world.operator.counter('genops_drift_total', { lever: 'redis' })).toBe(1),
  );
});

test.each([
  { deletionPolicy: 'Restore', left: '33554432', told: [expect.stringContaining('maxmemory 67108864 → 33554432')] },
  { deletionPolicy: 'Retain', left: '67108864', told: [] },
] as const)(
  'with deletionPolicy $deletionPolicy a deleted service leaves maxmemory at $left, and tells of what it has put back',
  async ({ deletionPolicy, left, told }) => {
    await using world = await startWorld({ redis: [{ config: { maxmemory: '33554432' } }] });
    const [redis] = world.redis;
    await world.apply(deployment());
    await world.apply(
      generationService({ deletionPolicy, overrides: { redis: { maxMemory: '64Mi' } }, redis: [cache] }),
    );
    await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
    expect(await redis?.configGet('maxmemory')).toBe('67108864');

    await world.delete(generationServices, 'generation');

    await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
    expect(await redis?.configGet('maxmemory')).toBe(left);
    await world.eventually(async () => expect(await eventNotes(world, 'SettingsRestored')).toEqual(told));
    await world.apply(generationService({}, { name: 'later' }));
    await world.eventually(async () => expectCondition(await world.service('later'), 'Ready', { status: 'True' })); // by now it has seen the deletion
    await world.operator[Symbol.asyncDispose](); // with it goes out what it has still to tell
    expect(await eventNotes(world, 'SettingsRestored')).toEqual(told);
    const lines = world.operator.wholeLog().split('\n');
    expect(lines.filter((line) => line.includes('"put back"') && line.includes('"info"'))).toEqual(told);
  },
);

test('Restore still works when the policy went first', async () => {
  await using world = await startWorld({ redis: [{ config: { maxmemory: '33554432' } }] });
  const [redis] = world.redis;
  await world.apply(deployment());
  await world.apply(performancePolicy({ redis: { maxMemory: '64Mi' } }));
  await world.apply(generationService({ deletionPolicy: 'Restore', policyRef: { name: 'standard' }, redis: [cache] }));
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));

  await world.delete(performancePolicies, 'standard');
  await world.eventually(async () =>
    expectCondition(await world.service(), 'Ready', { status: 'False', reason: 'PolicyNotFound' }),
  );
  await world.delete(generationServices, 'generation');

  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  expect(await redis?.configGet('maxmemory')).toBe('33554432');
});

test('Restore survives a foreground deletion, in which what a service owns goes first', async () => {
  await using world = await startWorld({ redis: [{ config: { maxmemory: '33554432' } }] });
  const [redis] = world.redis;
  await world.apply(deployment());
  await world.apply(
    generationService({ deletionPolicy: 'Restore', overrides: { redis: { maxMemory: '64Mi' } }, redis: [cache] }),
  );
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  await world.kube.raw(
    {
      method: 'DELETE',
      path: `/apis/genops.dev/v1alpha1/namespaces/${world.namespace}/generationservices/generation`,
      body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Foreground' },
    },
    world.signal,
  );
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  expect(await redis?.configGet('maxmemory')).toBe('33554432');
  await world.eventually(async () => expect(await world.get(configMaps, 'generation-genops-state')).toBeUndefined());
});
