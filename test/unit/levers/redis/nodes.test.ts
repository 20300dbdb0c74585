import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../../operator/api/problem.ts';
import type { RedisMemory } from '../../../../operator/levers/redis/node-memory.ts';
import type { NodesObserved } from '../../../../operator/levers/redis/every-node.ts';
import { onEveryNode } from '../../../../operator/levers/redis/nodes.ts';
import { plan } from '../../../../operator/levers/redis/plan.ts';
import { restore } from '../../../../operator/levers/redis/restore.ts';
import type { Role, Topology } from '../../../../operator/levers/redis/topology.ts';
import { intentions, type AnyLever } from '../../../../operator/levers/run.ts';
import { alone, e1, seen, unitWith, type Seen } from './observations.ts';

/** One node: `a` is at a:1, as the process run-a. */
const node = (name: string, role: Role, server: Seen = {}) => ({
  ...seen({ serverId: `run-${name}`, ...server }),
  address: `${name}:1`,
  at: { host: name, port: 1 },
  role,
});
const several = (nodes: NodesObserved['nodes'], rest: Partial<NodesObserved> = {}): NodesObserved => ({
  topology: 'Sentinel',
  address: 'sentinel:2/mymaster',
  nodes,
  absent: [],
  ...rest,
});
const planned = (observed: NodesObserved, memory?: RedisMemory) =>
  onEveryNode(plan)({ unit: unitWith(), observed, memory, now: 0 });
const fieldsOf = ({ changes }: ReturnType<typeof planned>) =>
  changes.flatMap(({ differences }) => differences.map(({ field }) => field));
/** Two nodes with E1, and what is remembered of them once that was found. */
const inForce = several([node('r', 'Replica', { config: e1 }), node('p', 'Primary', { config: e1 })]);
const memory = planned(inForce).remember;

test('each node has its own changes, a parameter its node, and the primary comes last', () => {
  const result = planned(several([node('r', 'Replica'), node('p', 'Primary', { config: { ...e1, save: '' } })]));
  expect(fieldsOf(result)).toEqual(['maxmemory-policy@r:1', 'save@r:1', 'maxmemory@r:1', 'save@p:1']);
  expect(result.changes).toMatchObject([
    { node: 'r:1', serverId: 'run-r', role: 'Replica', at: { host: 'r' } },
    { node: 'p:1', serverId: 'run-p', role: 'Primary' },
  ]);
  expect(result.status).toMatchObject({ topology: 'Sentinel', nodes: 2, drifted: 0 });
});

test('a server alone is called as before: its parameters by their names, its memory flat', () => {
  const result = planned(alone(seen({ config: { ...e1, save: '' } })));
  expect(fieldsOf(result)).toEqual(['save']);
  expect(result.changes[0]).not.toHaveProperty('node');
  expect(result.changes[0]?.remember).toMatchObject({ originals: { save: '' }, serverRun: 'run-1' });
  expect(result.condition.message).toBe('11 settings of cache (Redis 7.0.15) are in force.');
});

describe('what is said', () => {
  const down = (reason: 'Unreachable' | 'Busy' | 'AuthenticationFailed') => ({
    address: 'd:1',
    role: 'Replica' as const,
    problem: new Problem(reason, { saw: 'no answer from d:1', wanted: 'one' }),
  });

  test('by all alike is said once', () => {
    expect(planned(inForce).condition).toEqual({
      status: 'True',
      reason: 'Applied',
      message: 'all 2 nodes: 11 settings of cache (Redis 7.0.15) are in force.',
    });
  });
  test('of a node that does not answer is that it is pending, and the others are set', () => {
    const result = planned(several([node('p', 'Primary')], { absent: [down('Unreachable')] }));
    expect(result.condition).toEqual({
      status: 'Unknown',
      reason: 'NodesPending',
      message: 'd:1: saw no answer from d:1; wanted one',
    });
    expect(fieldsOf(result)).toContain('maxmemory@p:1');
    expect(result.status).toMatchObject({ nodes: 2, pendingNodes: 1 });
    expect(planned(inForce).status).not.toHaveProperty('pendingNodes');
  });
  test('of a node that lets us not in is why, whatever else is pending', () => {
    const absent = [down('Busy'), { ...down('AuthenticationFailed'), address: 'e:1' }];
    expect(planned(several(inForce.nodes, { absent })).condition).toMatchObject({
      status: 'False',
      reason: 'AuthenticationFailed',
      message: expect.stringMatching(/^d:1, e:1: /),
    });
  });
  test('of several that are as bad is the primary’s: a replica only waits for what stopped there', () => {
    const full = { config: { ...e1, maxmemory: '0' }, usedMemoryBytes: 2 ** 31 };
    const keys = [{ name: 'queue', bytes: 2 ** 30 }];
    const found = { state: 'Known', keys, largestBytes: 2 ** 30, scanned: 1, total: 1, observedAt: 1 } as const;
    const result = planned(several([node('r', 'Replica', full), node('p', 'Primary', { ...full, bigKeys: found })]));
    expect(result.condition).toMatchObject({ status: 'False', reason: 'BigKey' });
    expect(result.condition.message).toMatch(/^r:1: .* \| p:1: /);
  });
  test('of one that waits for a restart names it, and the others need not be named', () => {
    const late = node('r', 'Replica', { config: { ...e1, 'tcp-backlog': '1' }, restartOnly: ['tcp-backlog'] });
    const result = planned(several([late, node('p', 'Primary', { config: e1 })]));
    expect(result.condition).toMatchObject({ reason: 'PendingRestart', message: expect.stringMatching(/^r:1: /) });
    expect(result.condition.message).not.toContain('are in force.');
    expect(result.status).toMatchObject({ pendingRestart: ['tcp-backlog'] });
  });
});

describe('what is remembered', () => {
  const byHand = { config: { ...e1, maxmemory: '5' } };

  test('is drift on the node where somebody changed it, and not on the other', () => {
    const result = planned(several([node('r', 'Replica', byHand), node('p', 'Primary', { config: e1 })]), memory);
    expect(result.changes).toMatchObject([{ cause: 'Drift', node: 'r:1' }]);
    expect(result.status).toMatchObject({ drifted: 1 });
  });

  test('of a process goes with it to another address, also where another one was before', () => {
    const swapped = [
      { ...node('r', 'Replica', byHand), address: 'p:1' },
      { ...node('p', 'Primary', { config: e1 }), address: 'r:1' },
    ];
    const result = planned(several(swapped), memory);
    expect(result.changes).toMatchObject([{ cause: 'Drift', node: 'p:1' }]);
    expect(result.changes[0]?.remember?.nodes).toMatchObject({
      'p:1': { serverRun: 'run-r' },
      'r:1': { serverRun: 'run-p' },
    });
  });

  test('of a Pod that is gone is taken over by the one in its place: it restarted', () => {
    const fresh = node('n', 'Replica', { config: { ...e1, maxmemory: '5' } });
    const result = planned(several([fresh, node('p', 'Primary', { config: e1 })]), memory);
    expect(result.changes).toMatchObject([{ cause: 'Restart', node: 'n:1' }]);
    expect(result.changes[0]?.remember?.nodes).not.toHaveProperty('r:1');
  });

  test('of a node that is only away is kept for it', () => {
    const away = {
      address: 'r:1',
      role: 'Replica' as const,
      problem: new Problem('Unreachable', { saw: '', wanted: '' }),
    };
    const added = several([node('n', 'Replica'), node('p', 'Primary', { config: e1 })], { absent: [away] });
    const result = planned(added, memory);
    expect(result.changes).toMatchObject([{ cause: 'Declared', node: 'n:1' }]);
    expect(result.changes[0]?.remember?.nodes).toHaveProperty('r:1');
  });

  test.each<Topology>(['Replicated', 'Sentinel'])(
    'of a server alone is its own once it is one of several (%s)',
    (topology) => {
      const first = planned(alone({ ...node('p', 'Primary'), address: 'p:1' })).changes.at(-1)?.remember;
      const both = several([node('r', 'Replica'), node('p', 'Primary', { config: e1 })], { topology });
      const known = planned(both, first);
      expect(known.changes.at(-1)?.remember?.nodes?.['p:1']).toMatchObject({ originals: { maxmemory: '0' } });
      const again = planned(alone({ ...node('p', 'Primary', byHand), address: 'p:1' }), known.changes.at(-1)?.remember);
      expect(again.changes).toMatchObject([{ cause: 'Drift', differences: [{ field: 'maxmemory' }] }]);
      expect(again.changes[0]?.remember).toMatchObject({ nodes: { 'r:1': expect.anything() } });
    },
  );

  test('while the policy had it Off it holds no server, and its originals are not lost', () => {
    const { serverRun: _, address: __, ...off } = planned(alone(seen())).changes.at(-1)?.remember ?? {};
    const back = onEveryNode(restore)({ unit: unitWith(), observed: alone(seen({ config: e1 })), memory: off, now: 0 });
    expect(fieldsOf(back)).toContain('maxmemory');
  });

  test('of nodes that are gone has an end', () => {
    const nodes = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`gone-${index}:1`, { applied: e1, address: `gone-${index}:1` }]),
    );
    const kept = planned(inForce, { address: 'sentinel:2/mymaster', nodes }).remember?.nodes ?? {};
    expect(Object.keys(kept)).toHaveLength(18);
    expect(kept).toHaveProperty('gone-39:1');
  });

  test('as intended before a kill is no drift afterwards, on any node', () => {
    const observed = several([node('r', 'Replica', byHand), node('p', 'Primary', byHand)]);
    const lever = { name: 'redis' } as AnyLever;
    const unit = unitWith();
    const intended = intentions([{ lever, unit, ...planned(observed) }], { 'redis/cache': {} })['redis/cache'];
    expect(intended?.unconfirmed).toEqual(['maxmemory@p:1', 'maxmemory@r:1']);
    expect(planned(observed, intended).changes.map(({ cause }) => cause)).toEqual(['Declared', 'Declared']);
    const taken = several([node('r', 'Replica', { config: e1 }), node('p', 'Primary', byHand)]);
    expect(planned(taken, intended).changes.at(-1)?.remember?.unconfirmed).toEqual(['maxmemory@p:1']);
  });

  test('is the same when nothing is new', () => {
    expect(planned(inForce, memory).remember).toBeUndefined();
  });
});

test('Restore puts back each node’s own originals', () => {
  const originals = { 'r:1': { maxmemory: '2000001' }, 'p:1': { maxmemory: '2000002' } };
  const nodes = Object.fromEntries(
    Object.entries(originals).map(([address, one]) => [address, { address, originals: one, applied: e1 }]),
  );
  const result = onEveryNode(restore)({ unit: unitWith(), observed: inForce, memory: { nodes }, now: 0 });
  expect(result.changes.flatMap(({ differences }) => differences)).toMatchObject([
    { field: 'maxmemory@r:1', to: '2000001' },
    { field: 'maxmemory@p:1', to: '2000002' },
  ]);
});
