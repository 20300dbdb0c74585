import { expect, test } from '@jest/globals';
import { main } from '../../operator/cli/main.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { events, expectCondition, kubeconfigPath, startWorld, type World } from '../world/world.ts';
import { startSentinelWorld, type Node } from './redis-topologies.ts';

/** `genops` in the namespace of a world. */
async function genops({ namespace, signal }: World, ...args: readonly string[]) {
  let out = '';
  const write = (text: string) => (out += text);
  const code = await main({
    args: [...args, '-n', namespace, '--kubeconfig', kubeconfigPath()],
    env: {},
    out: { write },
    err: { write },
    signal,
  });
  return { code, out };
}

test('a Redis behind Sentinel: diff and status have its nodes, a restart of the operator forgets none, and Restore reaches each', async () => {
  await using servers = await startSentinelWorld();
  await using world = await startWorld({ operator: false });
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
  const planned = await genops(world, 'diff', 'generation');
  expect(planned.code).toBe(1);
  for (const { port } of nodes)
    expect(planned.out).toMatch(new RegExp(`maxmemory-policy@127\\.0\\.0\\.1:${port} +noeviction +→ allkeys-lru`));

  await world.restartOperator();
  await world.eventually(async () =>
    expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
  );
  expect((await genops(world, 'diff', 'generation')).out).toContain('redis/cache: all 3 nodes: 11 settings');
  expect((await genops(world, 'status', 'generation')).out).toMatch(
    /cache +Redis 7\.0\.\d+ +Sentinel, 3 nodes; 11 settings in force/,
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
