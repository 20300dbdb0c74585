import { expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { redisAddress } from '../../operator/levers/redis/address.ts';
import { connectRedis } from '../../operator/levers/redis/connect.ts';
import { sampleKeys } from '../../operator/levers/redis/key-sample.ts';
import { eventually } from '../world/eventually.ts';
import { startCluster, type Node } from './redis-topologies.ts';
import { tuner } from './redis-tuner.ts';

const secretOf = ({ port }: { readonly port: number }) => ({ uri: `redis://127.0.0.1:${port}` });
const labelOf = ({ port }: { readonly port: number }) => `127.0.0.1:${port}`;
const versions = await availableRedisVersions();

test.each(versions)(
  'Redis %s: every node of a cluster is tuned, the replicas first, and a change on one is put back there',
  async (version) => {
    await using cluster = await startCluster({ version });
    const { primaries, replicas } = cluster;
    const [replica] = replicas as readonly [Node];
    const { visit, primaries: seen } = tuner({ secret: secretOf(replica) });

    const visited = await visit();

    expect(visited).toMatchObject({ outcome: 'applied', reason: 'Applied', entry: { topology: 'Cluster', nodes: 6 } });
    for (const node of [...primaries, ...replicas])
      expect(await node.configGet('maxmemory-policy')).toBe('allkeys-lru');
    expect(new Set(visited.nodes.slice(0, 3))).toEqual(new Set(replicas.map(labelOf)));
    expect(seen()?.toSorted()).toEqual(primaries.map(labelOf).toSorted());
    await replica.configSet('maxmemory-policy', 'noeviction');
    expect(await visit()).toMatchObject({
      outcome: 'applied',
      causes: ['Drift'],
      fields: [`maxmemory-policy@${labelOf(replica)}`],
    });
  },
);

test.each(['7.0', '8.2'] as const)(
  'a node of a cluster of Redis %s that has failed is pending, its replica is primary, and the others are in force',
  async (version) => {
    await using cluster = await startCluster({ version });
    const { primaries, replicas } = cluster;
    const [down] = primaries as readonly [Node];
    const [asked] = replicas as readonly [Node];
    const { visit, primaries: seen, figures } = tuner({ secret: secretOf(asked) });
    await visit();
    await down.kill();

    const atOnce = await visit();
    expect(atOnce).toMatchObject({
      outcome: 'nothing',
      status: 'Unknown',
      reason: 'NodesPending',
      entry: { nodes: 6 },
    });
    expect(figures()).toBeUndefined();
    expect(atOnce.message).toContain(`${labelOf(down)}: saw no answer from ${labelOf(down)} (ECONNREFUSED)`);

    await eventually(async () => expect(String(await asked.command('ROLE'))).toMatch(/^master/));
    await eventually(async () =>
      expect(await visit()).toMatchObject({ message: expect.stringContaining('marked as failed by its cluster') }),
    );
    expect(seen()).toContain(labelOf(asked));
    expect(figures()).toBeDefined(); // every slot has a primary that answers
    await down.restart();
    await eventually(async () => expect(await visit()).toMatchObject({ reason: 'Applied', entry: { drifted: 0 } }));
    expect(await down.configGet('maxmemory-policy')).toBe('allkeys-lru');
  },
);

test('a key on its way from another node is asked nothing, and the others of the sample are', async () => {
  await using cluster = await startCluster();
  const [from, , to] = cluster.primaries as readonly [Node, Node, Node];
  await to.command('SET', 'foo', 'x'); // slot 12182
  await to.command('CLUSTER', 'SETSLOT', '5061', 'IMPORTING', String(await from.command('CLUSTER', 'MYID')));
  const mover = new Redis({ port: to.port });
  await Promise.all([mover.call('ASKING'), mover.set('bar', 'x')]); // slot 5061
  mover.disconnect();
  const secret = { uri: Buffer.from(secretOf(to).uri) };
  const signal = AbortSignal.timeout(30_000);
  await using redis = await connectRedis(redisAddress(secret, { namespace: 'ai', name: 'redis' }), signal);
  let hits = 0;

  const sample = await sampleKeys(redis, 'allkeys-lru', { own: (totals) => (hits += totals.hits), withinMs: 5_000 });

  expect(sample).toEqual({
    state: 'Known',
    keys: [{ bytes: expect.any(Number), idleSeconds: expect.any(Number) }],
    onlyExpiring: false,
  });
  expect(hits).toBe(1);
  expect(await to.command('DBSIZE')).toBe(2);
});
