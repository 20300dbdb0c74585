import { expect, test } from '@jest/globals';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { events, expectCondition, startWorld } from '../world/world.ts';
import { startSentinelWorld, type Node } from './redis-topologies.ts';

test('a Redis behind Sentinel: status has its nodes, a restart of the operator forgets none, and Restore reaches each', async () => {
  await using servers = await startSentinelWorld();
  await using world = await startWorld();
  const [sentinel] = servers.sentinels as readonly [Node];
  const [replica] = servers.replicas as readonly [Node];
  const nodes = [servers.primary, ...servers.replicas];
  await world.apply(deployment());
  await world.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'redis' },
    stringData: { host: '127.0.0.1', port: String(sentinel.port) },
  });
  const redis = [{ name: 'cache', secretRef: { name: 'redis' }, sentinelMasterName: 'mymaster' }];
  await world.apply(generationService({ deletionPolicy: 'Restore', redis }));
  await world.eventually(async () =>
    expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
  );
  expect((await world.service()).status?.redis).toMatchObject([
    { name: 'cache', server: 'Redis', topology: 'Sentinel', nodes: 3, drifted: 0 },
  ]);

  await world.restartOperator();
  await replica.configSet('maxmemory-policy', 'noeviction');
  await world.eventually(async () => expect(await replica.configGet('maxmemory-policy')).toBe('allkeys-lru'), {
    withinMs: 45_000,
  });

  const told = `maxmemory-policy@127.0.0.1:${replica.port} noeviction → allkeys-lru`;
  await world.eventually(async () =>
    expect(await world.kube.list(events, { namespace: world.namespace }, world.signal)).toContainEqual(
      expect.objectContaining({ reason: 'DriftRepaired', note: expect.stringContaining(told) }),
    ),
  );
  await world.delete(generationServices, 'generation');
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  for (const node of nodes) expect(await node.configGet('maxmemory-policy')).toBe('noeviction');
});
