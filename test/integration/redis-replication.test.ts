import { describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { infoOf, startReplication, type Node } from './redis-topologies.ts';
import { tuner } from './redis-tuner.ts';
import { withholdingProxy } from './withholding-proxy.ts';
import { eventually } from '../world/eventually.ts';

const secretOf = ({ port }: { readonly port: number }) => ({ uri: `redis://127.0.0.1:${port}` });
const labelOf = ({ port }: { readonly port: number }) => `127.0.0.1:${port}`;
const versions = await availableRedisVersions();

describe.each(versions)('Redis %s with replicas and no Sentinel', (version) => {
  test.each(['primary', 'replica'] as const)('has every node tuned where the Secret leads to the %s', async (which) => {
    await using stack = new AsyncDisposableStack();
    const { primary, replicas } = await startReplication(stack, { version });
    const [replica] = replicas as readonly [Node];
    const { visit, restore, primaries } = tuner({ secret: secretOf(which === 'primary' ? primary : replica) });

    const visited = await visit();

    expect(visited).toMatchObject({
      outcome: 'applied',
      reason: 'Applied',
      entry: { topology: 'Replicated', nodes: 3 },
    });
    expect(primaries()).toEqual([labelOf(primary)]);
    expect(visited.nodes.at(-1)).toBe(labelOf(primary));
    for (const node of [primary, ...replicas]) expect(await node.configGet('maxmemory-policy')).toBe('allkeys-lru');
    expect(await visit()).toMatchObject({ outcome: 'nothing' });
    await restore();
    for (const node of [primary, ...replicas]) expect(await node.configGet('maxmemory-policy')).toBe('noeviction');
  });
});

describe('a Redis with replicas and no Sentinel', () => {
  test('has the look-ups of its primary: what is read from a replica is not counted twice', async () => {
    await using stack = new AsyncDisposableStack();
    const { primary, replicas } = await startReplication(stack, {}, 1);
    const { visit, lookups } = tuner({ secret: secretOf(primary) });
    for (const node of [primary, ...replicas]) await node.command('GET', 'nothing');
    await visit();
    expect(await infoOf(replicas[0] as Node, 'keyspace_misses')).toBe('1');
    expect(lookups()).toBe(1);
  });

  test('of which a replica announces an address that cannot be reached: said with it, and the others are tuned', async () => {
    await using stack = new AsyncDisposableStack();
    const { primary } = await startReplication(stack, { config: { 'replica-announce-port': '1' } }, 1);
    const visited = await tuner({ secret: secretOf(primary) }).visit();
    expect(visited).toMatchObject({ outcome: 'applied', status: 'Unknown', reason: 'NodesPending' });
    expect(visited.message).toMatch(/127\.0\.0\.1:1: saw no answer from 127\.0\.0\.1:1 .*replica-announce-ip/);
    expect(await primary.configGet('maxmemory-policy')).toBe('allkeys-lru');
  });

  test('behind one address that leads to its nodes in turn is one Redis all the same, and a change by hand is drift', async () => {
    await using stack = new AsyncDisposableStack();
    const { primary, replicas } = await startReplication(stack, {}, 1);
    const [replica] = replicas as readonly [Node];
    const nodes = [primary, replica] as const;
    let turn: 0 | 1 = 0;
    const proxy = stack.use(await withholdingProxy(() => connect(nodes[turn].port, '127.0.0.1')));
    const { visit } = tuner({ secret: secretOf(proxy) });
    await visit();
    for (const at of [1, 0, 1, 0, 1] as const) {
      turn = at;
      expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied', entry: { nodes: 2, drifted: 0 } });
    }
    turn = 0;
    await replica.configSet('maxmemory-policy', 'noeviction');
    expect(await visit()).toMatchObject({ outcome: 'applied', causes: ['Drift'] });
  });

  test('of which a replica hangs: the others are tuned meanwhile, and it is when it goes on', async () => {
    await using stack = new AsyncDisposableStack();
    const { primary, replicas } = await startReplication(stack);
    const [hung, other] = replicas as readonly [Node, Node];
    const { visit } = tuner({ secret: secretOf(primary) });
    hung.freeze();
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'NodesPending', entry: { pendingNodes: 1 } });
    for (const node of [primary, other]) expect(await node.configGet('maxmemory-policy')).toBe('allkeys-lru');
    hung.thaw();
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied' });
    expect(await hung.configGet('maxmemory-policy')).toBe('allkeys-lru');
  });

  test('of which the primary does not answer: it is pending, and the replica in the Secret is tuned', async () => {
    await using stack = new AsyncDisposableStack();
    const { primary, replicas } = await startReplication(stack, {}, 1);
    const [replica] = replicas as readonly [Node];
    await primary.kill();
    const visited = await tuner({ secret: secretOf(replica) }).visit();
    expect(visited).toMatchObject({ outcome: 'applied', reason: 'NodesPending', entry: { nodes: 2 } });
    expect(visited.message).toContain(`${labelOf(primary)}: `);
    expect(await replica.configGet('maxmemory-policy')).toBe('allkeys-lru');
  });

  test('has a server alone before and after: what it had is known all the time', async () => {
    await using stack = new AsyncDisposableStack();
    const { primary, replicas } = await startReplication(stack, {}, 1);
    const [replica] = replicas as readonly [Node];
    const { visit, restore } = tuner({ secret: secretOf(primary) });
    await visit();
    await replica.command('REPLICAOF', 'NO', 'ONE');
    await eventually(async () => expect(await infoOf(primary, 'connected_slaves')).toBe('0'));
    expect(await visit()).toMatchObject({ outcome: 'nothing', entry: { topology: 'Standalone', nodes: 1 } });
    await primary.configSet('maxmemory-policy', 'noeviction');
    expect(await visit()).toMatchObject({ causes: ['Drift'], fields: ['maxmemory-policy'] });
    expect(await restore()).toMatchObject({ outcome: 'applied' });
    expect(await primary.configGet('maxmemory')).toBe('0');
  });
});
