import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import { Problem } from '../../../../operator/api/problem.ts';
import type { NodesObserved } from '../../../../operator/levers/redis/every-node.ts';
import { onEveryNode } from '../../../../operator/levers/redis/nodes.ts';
import type { RedisObserved } from '../../../../operator/levers/redis/observe.ts';
import type { ServerOwner } from '../../../../operator/levers/redis/owner.ts';
import { plan } from '../../../../operator/levers/redis/plan.ts';
import { restore } from '../../../../operator/levers/redis/restore.ts';
import { e1, seen, unitWith, type Seen } from './observations.ts';

const clusterRef = { group: 'databases.spotahome.com', kind: 'RedisFailover', name: 'cache' };
const ownerWith = (heldBy: ServerOwner['heldBy'], lines: readonly string[] = []): ServerOwner => ({
  label: 'RedisFailover cache',
  uid: 'u',
  field: 'spec.redis.customConfig',
  heldBy,
  lines,
});
const inputFor = (owner: ServerOwner, server: Seen, redis?: PolicySpec['redis']) => ({
  unit: unitWith(redis, { clusterRef }),
  observed: { ...seen({ restartOnly: ['tcp-backlog'], ...server }), owner },
  memory: undefined,
  now: 0,
});
const planned = (...input: Parameters<typeof inputFor>) => plan(inputFor(...input));
const linesOf = ({ changes }: Pick<ReturnType<typeof planned>, 'changes'>) => changes[0]?.owner?.lines;

const all = [
  'hash-max-listpack-entries 512',
  'hash-max-listpack-value 64',
  'list-max-listpack-size -2',
  'maxmemory 1073741824',
  'maxmemory-policy allkeys-lru',
  'save 900 1 300 10 60 10000',
  'set-max-intset-entries 512',
  'tcp-keepalive 300',
  'zset-max-listpack-entries 128',
  'zset-max-listpack-value 64',
];

describe('a list that nobody has', () => {
  test('gets everything that is declared and taken at run time, and its operator is waited for', () => {
    const result = planned(ownerWith('Nobody'), {});
    expect(linesOf(result)).toEqual(all);
    expect(result.changes).toHaveLength(1);
    expect(result.changes[0]?.differences).toContainEqual({
      field: 'maxmemory in RedisFailover cache',
      to: '1073741824',
    });
    expect(result.condition).toMatchObject({ status: 'False', reason: 'OwnerBehind' });
    expect(result.condition.message).toMatch(/^saw maxmemory 0 instead of 1073741824, .* on cache; /);
  });
  test('is left to nobody where its servers have everything', () => {
    const result = planned(ownerWith('Nobody'), { config: e1 });
    expect(result).toMatchObject({ changes: [], condition: { status: 'True', reason: 'Applied' } });
  });
  test('gets nothing that a server refuses at run time, which would hold up its operator: where to put it is told', () => {
    expect(linesOf(planned(ownerWith('Nobody'), { config: { 'tcp-backlog': '100' } }))).toEqual(all);
    const { condition } = planned(ownerWith('Us', all), { config: { ...e1, 'tcp-backlog': '100' } });
    expect(condition).toMatchObject({ status: 'True', reason: 'ReportOnly' });
    expect(condition.message).toMatch(
      /next: have "tcp-backlog 511" in the server’s own configuration at its next start/,
    );
  });
  test('gets no limit below what is in use, which would throw it out in one go: that is only told', () => {
    const used = { config: { ...e1, maxmemory: '0' }, usedMemoryBytes: 2 ** 31 };
    const result = planned(ownerWith('Nobody'), used);
    expect(result.changes).toEqual([]);
    expect(result.condition).toMatchObject({ status: 'True', reason: 'ReportOnly' });
    expect(result.condition.message).toContain(
      'set "maxmemory 1073741824" in spec.redis.customConfig of RedisFailover cache',
    );
  });
  test('gets nothing that is held back', () => {
    const result = planned(ownerWith('Nobody'), { keys: { keys: 5, withoutExpiry: 5 } });
    expect(linesOf(result)?.join()).not.toContain('maxmemory');
    expect(result.condition.reason).toBe('NonExpiringKeys');
  });
});

describe('a list for several nodes', () => {
  const through = (nodes: readonly RedisObserved[], owner = ownerWith('Nobody'), rest: Partial<NodesObserved> = {}) =>
    onEveryNode(plan)({
      unit: unitWith({}, { clusterRef }),
      observed: {
        topology: 'Cluster',
        address: 'n0:1',
        nodes: nodes.map((node, index) => ({ ...node, owner, serverId: `run-${index}`, address: `n${index}:1` })),
        absent: [],
        ...rest,
      },
      memory: undefined,
      now: 0,
    });
  const restartOnly = ['tcp-backlog'];
  const fresh = seen({ restartOnly });
  const unlimited = all.filter((line) => !line.startsWith('maxmemory'));
  const absent = [
    {
      address: 'd:1',
      role: 'Primary' as const,
      problem: new Problem('Unreachable', { saw: 'no answer', wanted: 'one' }),
    },
  ];

  test('is written once', () => {
    const { changes, remember } = through([{ ...fresh, role: 'Replica' }, fresh]);
    expect(changes).toMatchObject([{ owner: { lines: all } }]);
    expect(changes[0]?.differences[0]?.field).not.toContain('@');
    expect(remember).toBeUndefined();
  });

  const [expiring, queue] = [
    { keys: 5, withoutExpiry: 0 },
    { keys: 5, withoutExpiry: 5 },
  ];
  test.each([
    { name: 'first', nodes: [queue, expiring] },
    { name: 'last', nodes: [expiring, queue] },
  ])('has no eviction policy that one of them must not get, be it the $name, and no limit without one', ({ nodes }) => {
    expect(linesOf(through(nodes.map((keys) => seen({ keys, restartOnly }))))).toEqual(unlimited);
    const then = nodes.map((keys) => seen({ keys, restartOnly, config: { save: e1.save } }));
    expect(through(then, ownerWith('Us', unlimited))).toMatchObject({
      changes: [], // nothing goes to and fro
      condition: { status: 'False', reason: 'NonExpiringKeys' },
    });
  });

  test('has no new limit for one node where another one has it and must not get the policy', () => {
    const limited = seen({ config: { maxmemory: '1073741824' }, keys: queue, restartOnly });
    expect(linesOf(through([limited, fresh]))).toEqual(unlimited);
    expect(linesOf(through([limited, seen({ config: e1 })]))).toContain('maxmemory 1073741824');
  });

  test('calls a parameter as the oldest of them does, which knows no newer name', () => {
    const asBefore7 = ({ server, ...node }: RedisObserved): RedisObserved => {
      if (server.config.access === 'None') throw new Error('a server that shows no settings');
      const values = [...server.config.values].map(
        ([name, { value }]) => [name, { value, serverName: name.replace('listpack', 'ziplist') }] as const,
      );
      return { ...node, server: { ...server, config: { ...server.config, values: new Map(values) } } };
    };
    const old = asBefore7(seen({ restartOnly, config: { 'hash-max-listpack-value': '5' } }));
    const lines = all.map((line) => line.replace('listpack', 'ziplist'));
    expect(linesOf(through([old, fresh]))).toEqual(lines);
    expect(linesOf(through([fresh, old]))).toEqual(lines);
    expect(through([fresh, old], ownerWith('Us', lines)).condition).toMatchObject({
      reason: 'OwnerBehind',
      message: expect.stringContaining('hash-max-listpack-value 5 instead of 64'),
    });
    const { condition } = through([old], ownerWith({ manager: 'argocd' }));
    expect(condition.message).toContain('set "hash-max-ziplist-value 64"');
  });

  const full = seen({ config: { ...e1, maxmemory: '0' }, usedMemoryBytes: 2 ** 31 });
  const behind = seen({ config: { ...e1, maxmemory: '0' } });
  test.each([
    { name: 'first', nodes: [full, behind] },
    { name: 'last', nodes: [behind, full] },
  ])('has no limit below what one of them uses, be it the $name, and each says what it waits for', ({ nodes }) => {
    const { changes, condition } = through(nodes);
    expect(changes).toEqual([]);
    expect(condition).toMatchObject({ status: 'True', reason: 'ReportOnly' });
    expect(condition.message).toContain('next: set "maxmemory 1073741824" in spec.redis.customConfig');
    expect(condition.message).toContain('next: nothing for "maxmemory 1073741824": a line of RedisFailover cache goes');
  });

  test('stays as it is while one does not answer', () => {
    expect(through([fresh], ownerWith('Nobody'), { absent })).toMatchObject({
      changes: [],
      condition: { status: 'Unknown', reason: 'NodesPending' },
    });
    expect(through([fresh], ownerWith('Us', ['timeout 10']), { absent }).changes).toEqual([]);
    expect(through([fresh], ownerWith('Us', all), { absent }).condition.reason).toBe('OwnerBehind');
  });

  test('stays as it is while one shows no settings', () => {
    const config = { access: 'None', saw: "ERR unknown command 'CONFIG'" } as const;
    const closed = { ...fresh, server: { ...fresh.server, config } };
    expect(through([closed, fresh])).toMatchObject({ changes: [], condition: { reason: 'ConfigDisabled' } });
  });
});

describe('a list of ours', () => {
  test('that is as declared is left alone until its operator has set it', () => {
    expect(planned(ownerWith('Us', all), {})).toMatchObject({ changes: [], condition: { reason: 'OwnerBehind' } });
  });
  test('loses what is declared no more or only taken at a start, with nothing else to be changed', () => {
    const result = planned(ownerWith('Us', [...all, 'tcp-backlog 511', 'timeout 10']), { config: e1 });
    expect(linesOf(result)).toEqual(all);
    expect(result.changes[0]?.differences).toEqual([
      { field: 'tcp-backlog in RedisFailover cache', from: '511', to: 'nothing of ours' },
      { field: 'timeout in RedisFailover cache', from: '10', to: 'nothing of ours' },
    ]);
  });
  test('goes when everything is put back, and nobody else’s does', () => {
    expect(restore(inputFor(ownerWith('Us', all), { config: e1 })).changes).toMatchObject([
      { owner: { uid: 'u', lines: [] } },
    ]);
    expect(restore(inputFor(ownerWith({ manager: 'kubectl' }, all), { config: e1 })).changes).toEqual([]);
  });
});

test('a list of somebody else stays as it is: what differs is told with the lines to write', () => {
  const result = planned(ownerWith({ manager: 'argocd' }, ['timeout 10']), { config: { ...e1, maxmemory: '5' } });
  expect(result.changes).toEqual([]);
  expect(result.condition).toEqual({
    status: 'True',
    reason: 'ReportOnly',
    message:
      'saw maxmemory 5 instead of 1073741824 on cache; wanted the declared values; next: set "maxmemory 1073741824" in spec.redis.customConfig of RedisFailover cache, a list that argocd has, when it suits: its operator owns this server',
  });
});
