import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedisServer } from '../../hack/servers/redis.ts';
import { availableRedisVersions } from '../../hack/servers/redis-binary.ts';
import { startRedis } from '../../hack/servers/redis.ts';
import { eventually } from '../world/eventually.ts';
import { tuner } from './redis-tuner.ts';
import { startSentinelWorld, type Node } from './redis-topologies.ts';

const secretOf = ({ port }: { readonly port: number }) => ({ uri: `redis://127.0.0.1:${port}` });
const sentinelMasterName = 'mymaster';
const versions = await availableRedisVersions();
const labelOf = ({ port }: { readonly port: number }) => `127.0.0.1:${port}`;

test.each(versions)('Redis %s behind its own Sentinel: every node is tuned, and put back', async (version) => {
  await using world = await startSentinelWorld({ version });
  const [sentinel] = world.sentinels as readonly [Node];
  const { visit, restore, primaries } = tuner({ secret: secretOf(sentinel), sentinelMasterName });
  expect(await visit()).toMatchObject({
    outcome: 'applied',
    reason: 'Applied',
    entry: { topology: 'Sentinel', nodes: 3 },
  });
  expect(primaries()).toEqual([labelOf(world.primary)]);
  await restore();
  for (const node of [world.primary, ...world.replicas])
    expect(await node.configGet('maxmemory-policy')).toBe('noeviction');
});

describe('a Redis behind Sentinel', () => {
  test('is asked for by its name: an unknown one, none, and an address that is no Sentinel are said; then every node is tuned, the replicas before their primary', async () => {
    await using world = await startSentinelWorld();
    const { primary, replicas, sentinels } = world;
    const [sentinel] = sentinels as readonly [Node];
    const unknown = { status: 'False', reason: 'MasterUnknown' };
    for (const [secret, name, words] of [
      [secretOf(sentinel), { sentinelMasterName: 'other' }, 'which watches mymaster'],
      [secretOf(sentinel), {}, 'which watches mymaster'],
      [secretOf(primary), { sentinelMasterName }, 'is no Sentinel'],
    ] as const)
      expect(await tuner({ secret, ...name }).visit()).toMatchObject({
        ...unknown,
        message: expect.stringContaining(words),
      });
    const { visit } = tuner({ secret: secretOf(sentinel), sentinelMasterName });

    const visited = await visit();

    expect(visited).toMatchObject({
      outcome: 'applied',
      status: 'True',
      reason: 'Applied',
      entry: { topology: 'Sentinel', nodes: 3, drifted: 0 },
    });
    expect(visited.message).toMatch(/^all 3 nodes: /);
    for (const node of [primary, ...replicas]) expect(await node.configGet('maxmemory-policy')).toBe('allkeys-lru');
    expect(visited.nodes.at(-1)).toBe(labelOf(primary));
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
  });

  test('names the node on which somebody changed a setting, and puts it back there', async () => {
    await using world = await startSentinelWorld();
    const [replica] = world.replicas as readonly [Node];
    const { visit } = tuner({ secret: secretOf(world.sentinels[1] as Node), sentinelMasterName });
    await visit();
    await replica.configSet('maxmemory-policy', 'noeviction');

    const visited = await visit();

    expect(visited).toMatchObject({ outcome: 'applied', causes: ['Drift'], entry: { drifted: 1 } });
    expect(visited.fields).toEqual([`maxmemory-policy@${labelOf(replica)}`]);
    expect(await replica.configGet('maxmemory-policy')).toBe('allkeys-lru');
  });

  test('after a fail-over the new primary is right at the first ask, whichever Sentinel is asked', async () => {
    await using world = await startSentinelWorld();
    const { primary, sentinels } = world;
    const tuners = sentinels.map((sentinel) => tuner({ secret: secretOf(sentinel), sentinelMasterName }));
    for (const { visit } of tuners) await visit();
    await world.failOver();
    await eventually(async () => expect(await primaryBy(sentinels[0])).not.toBe(labelOf(primary)));
    const promoted = await primaryBy(sentinels[0]);

    for (const { visit, primaries } of tuners) {
      expect(await visit()).toMatchObject({ outcome: 'nothing', entry: { nodes: 3 } }); // it had the settings before
      expect(primaries()).toEqual([promoted]);
    }
  });

  test('a fail-over between the look and the changes: who has changed roles is left for the next look, which is right', async () => {
    await using world = await startSentinelWorld();
    const { primary, replicas, sentinels } = world;
    const [sentinel] = sentinels as readonly [Node];
    const { visit, primaries } = tuner({
      secret: secretOf(sentinel),
      sentinelMasterName,
      meanwhile: async () => {
        await world.failOver();
        await eventually(async () => expect(await primaryBy(sentinel)).not.toBe(labelOf(primary)));
      },
    });

    const visited = await visit();

    expect(visited).toMatchObject({ outcome: 'failed', status: 'False', reason: 'Failed' });
    expect(visited.message).toContain(`${labelOf(primary)} as replica; wanted a primary`);
    expect(await primary.configGet('maxmemory-policy')).toBe('noeviction');
    await eventually(async () => expect(await visit()).toMatchObject({ reason: 'Applied', entry: { drifted: 0 } }));
    expect(primaries()).toEqual([await primaryBy(sentinel)]);
    for (const node of [primary, ...replicas]) expect(await node.configGet('maxmemory-policy')).toBe('allkeys-lru');
  });

  test('a node that is down is pending and holds up no other; it is set when it is back, and nobody is blamed', async () => {
    await using world = await startSentinelWorld();
    const { primary, replicas, sentinels } = world;
    const [down, up] = replicas as readonly [Node, Node];
    const { visit } = tuner({ secret: secretOf(sentinels[0] as Node), sentinelMasterName });
    await down.kill();

    const visited = await visit();

    expect(visited).toMatchObject({
      outcome: 'applied',
      status: 'Unknown',
      reason: 'NodesPending',
      entry: { nodes: 3 },
    });
    expect(visited.message).toContain(`${labelOf(down)}: saw no answer from ${labelOf(down)} (ECONNREFUSED)`);
    for (const node of [primary, up]) expect(await node.configGet('maxmemory')).toBe('1073741824');
    await down.restart();
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied', entry: { drifted: 0 } });
    expect(await down.configGet('maxmemory')).toBe('1073741824');
  });

  test('another server at the address of a replica that is gone is not touched', async () => {
    await using world = await startSentinelWorld();
    const [gone] = world.replicas as readonly [Node];
    await gone.kill();
    await using stranger = await startRedis({ port: gone.port });
    const { visit } = tuner({ secret: secretOf(world.sentinels[0] as Node), sentinelMasterName });
    const visited = await visit(); // Sentinel makes it a replica some seconds later
    expect(visited).toMatchObject({ outcome: 'applied', status: 'Unknown', reason: 'NodesPending' });
    expect(visited.message).toContain(`${labelOf(gone)} that copies from nobody`);
    expect(await stranger.configGet('maxmemory-policy')).toBe('noeviction');
  });

  test('Restore reaches every node, also what a fail-over had written into the file of one', async () => {
    await using world = await startSentinelWorld();
    const nodes = [world.primary, ...world.replicas];
    const { visit, restore } = tuner({ secret: secretOf(world.sentinels[0] as Node), sentinelMasterName });
    await visit();
    await world.failOver();
    await eventually(async () => expect(await rewritten(world.primary)).toBe(true));
    await world.primary.restart();
    expect(await world.primary.configGet('maxmemory-policy')).toBe('allkeys-lru'); // out of its file
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied' });

    expect(await restore()).toMatchObject({ outcome: 'applied', status: 'True' });

    for (const node of nodes) {
      expect(await node.configGet('maxmemory-policy')).toBe('noeviction');
      expect(await node.configGet('maxmemory')).toBe('0');
    }
  });
});

async function primaryBy(sentinel: RedisServer | undefined): Promise<string> {
  return String(await sentinel?.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')).replace(',', ':');
}

async function rewritten({ folder }: RedisServer): Promise<boolean> {
  return (await readFile(join(folder, 'redis.conf'), 'utf8')).includes('CONFIG REWRITE');
}
