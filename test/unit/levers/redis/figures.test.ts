import { expect, test } from '@jest/globals';
import { Problem } from '../../../../operator/api/problem.ts';
import type { BigKeys, SlowLog } from '../../../../operator/decide/cache-server.ts';
import type { NodesObserved } from '../../../../operator/levers/redis/every-node.ts';
import { figuresOf, lookupsOf } from '../../../../operator/levers/redis/figures.ts';
import type { Role } from '../../../../operator/levers/redis/topology.ts';
import { seen, type Seen } from './observations.ts';

const node = (serverId: string, role: Role, server: Seen) => ({ ...seen({ serverId, ...server }), role });
const cluster = (nodes: NodesObserved['nodes'], away: readonly Role[] = []): NodesObserved => ({
  topology: 'Cluster',
  address: 'redis.ai.svc:6379',
  nodes,
  absent: away.map((role) => ({
    address: 'away:1',
    role,
    problem: new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' }),
  })),
});
const slow = (at: number): SlowLog => ({ state: 'Known', commands: [{ at, durationMs: 20, command: 'KEYS' }] });
const big = (name: string, bytes: number, observedAt: number): BigKeys => ({
  state: 'Known',
  keys: [{ name, bytes }],
  largestBytes: bytes,
  scanned: 10,
  total: 20,
  observedAt,
});
const counts = { lookups: { hits: 8, misses: 2 }, keys: { keys: 20, withoutExpiry: 5 }, usedMemoryBytes: 100 };
const nodes = [
  node('r', 'Replica', { ...counts, lookups: { hits: 1000, misses: 0 } }),
  node('a', 'Primary', { ...counts, config: { maxmemory: '1000' }, slowLog: slow(1), bigKeys: big('a', 7, 50) }),
  node('b', 'Primary', { ...counts, config: { maxmemory: '1000' }, slowLog: slow(2), bigKeys: big('b', 9, 40) }),
];

test('figures of a cluster are those of its primaries together, its slow log and big keys no longer than one’s', () => {
  expect(figuresOf(cluster(nodes))).toMatchObject({
    hits: 16,
    misses: 4,
    keys: 40,
    keysWithoutExpiry: 10,
    usedMemoryBytes: 200,
    maxMemoryBytes: 2000,
    slowLog: { commands: [{ at: 2 }] },
    bigKeys: { keys: [{ name: 'b', bytes: 9 }], largestBytes: 9, scanned: 20, total: 40, observedAt: 40 },
  });
  expect(lookupsOf(cluster(nodes))).toEqual([
    { server: 'a', hits: 8, misses: 2 },
    { server: 'b', hits: 8, misses: 2 },
  ]);
});

test('one primary without a limit is none for all', () => {
  const free = node('c', 'Primary', { config: { maxmemory: '0' } });
  expect(figuresOf(cluster([...nodes, free]))?.maxMemoryBytes).toBe(0);
});

test('a part is not the whole: figures are unknown while a primary does not answer, not for want of a replica', () => {
  expect(figuresOf(cluster(nodes, ['Primary']))).toBeUndefined();
  expect(figuresOf(cluster(nodes.slice(0, 1)))).toBeUndefined();
  expect(figuresOf(cluster(nodes, ['Replica']))).toBeDefined();
});

test('what one primary does not show is not shown of the others', () => {
  const shy = node('c', 'Primary', {
    slowLog: { state: 'Unknown', why: 'no right' },
    bigKeys: { state: 'Unknown', why: 'off' },
  });
  expect(figuresOf(cluster([...nodes, shy]))).toMatchObject({
    slowLog: { state: 'Unknown', why: 'no right' },
    bigKeys: { state: 'Unknown', why: 'off' },
  });
});
