import { describe, expect, test } from '@jest/globals';
import { parseInfo } from '../../../../operator/levers/redis/info.ts';
import {
  mastersOf,
  newestOf,
  nodesOfShards,
  nodesOfSlots,
  replicationOf,
  sentinelsOf,
  sentinelView,
} from '../../../../operator/levers/redis/topology.ts';

test.each([
  ['a server alone', 'role:master\r\nconnected_slaves:0\r\n', { role: 'Primary', replicas: [] }],
  [
    'a primary, also of a replica that is only loading',
    'role:master\r\nconnected_slaves:2\r\nslave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0\r\nslave1:ip=fd00::3,port=6380,state=wait_bgsave,offset=0,lag=0\r\n',
    {
      role: 'Primary',
      replicas: [
        { host: '10.0.0.2', port: 6379 },
        { host: 'fd00::3', port: 6380 },
      ],
    },
  ],
  [
    'a replica',
    'role:slave\r\nmaster_host:redis-0.redis\r\nmaster_port:6379\r\nslave_priority:100\r\nslave_read_only:1\r\n',
    { role: 'Replica', primary: { host: 'redis-0.redis', port: 6379 }, replicas: [] },
  ],
])('INFO of %s', (_, info, expected) => expect(replicationOf(parseInfo(info))).toEqual(expected));

describe('CLUSTER SHARDS', () => {
  const node = (fields: Readonly<Record<string, unknown>>) => Object.entries(fields).flat();
  const shards = (...nodes: readonly unknown[]) => [['slots', [0, 16383], 'nodes', nodes]];
  const primary = { id: 'a', port: 7000, ip: '10.0.0.1', endpoint: '10.0.0.1', role: 'master', health: 'online' };
  const asked = { host: 'redis.ai.svc', isTls: false };

  test('names every node of every shard with its role, and those that have failed', () => {
    const replica = { ...primary, ip: '10.0.0.2', endpoint: '10.0.0.2', role: 'replica', health: 'fail' };
    expect(nodesOfShards([...shards(node(primary)), ...shards(node(replica))], asked)).toEqual([
      { host: '10.0.0.1', port: 7000, role: 'Primary' },
      { host: '10.0.0.2', port: 7000, role: 'Replica', hasFailed: true },
    ]);
  });
  test.each([
    ['whose slots a replica has taken over is no primary', [0, 16383], true, 'Replica'],
    ['without slots is no primary', [], false, 'Replica'],
    ['whose slots nobody serves is one', [0, 16383], false, 'Primary'],
  ])('a primary that has failed %s', (_, slots, isServed, role) => {
    const failed = { ...primary, ip: '10.0.0.9', endpoint: '10.0.0.9', health: 'fail' };
    const nodes = [node(failed), ...(isServed ? [node(primary)] : [])];
    expect(nodesOfShards([['slots', slots, 'nodes', nodes]], asked)[0]).toMatchObject({ host: '10.0.0.9', role });
  });
  test.each([
    ['by the name that it prefers', { endpoint: 'redis-0.redis' }, asked, { host: 'redis-0.redis', port: 7000 }],
    ['by its ip where it prefers an unknown name', { endpoint: '?' }, asked, { host: '10.0.0.1', port: 7000 }],
    ['where we asked when it knows no host', { endpoint: '', ip: '' }, asked, { host: 'redis.ai.svc', port: 7000 }],
    ['where we asked when it tells none', { endpoint: null, ip: '' }, asked, { host: 'redis.ai.svc', port: 7000 }],
    ['by its TLS port', { 'tls-port': 7443 }, { ...asked, isTls: true }, { host: '10.0.0.1', port: 7443 }],
    ['by its plain port where we speak no TLS', { 'tls-port': 7443 }, asked, { host: '10.0.0.1', port: 7000 }],
  ])('a node is found %s', (_, fields, from, expected) => {
    expect(nodesOfShards(shards(node({ ...primary, ...fields })), from)).toMatchObject([expected]);
  });
  test.each([[null], [[]], [['slots', 1]], [[['nodes', [null, ['port']]]]]])('%j names none', (reply) => {
    expect(nodesOfShards(reply, asked)).toEqual([]);
  });
});

test('CLUSTER SLOTS names each node once, the primary of a range first', () => {
  const [a, b] = [
    ['10.0.0.1', 7000, 'id-a'],
    ['10.0.0.2', 7000, 'id-b'],
  ];
  const reply = [
    [0, 100, a, b],
    [200, 300, a, b],
    [400, 500, ['', 7001, 'id-c']],
  ];
  expect(nodesOfSlots(reply, 'redis.ai.svc')).toEqual([
    { host: '10.0.0.1', port: 7000, role: 'Primary' },
    { host: '10.0.0.2', port: 7000, role: 'Replica' },
    { host: 'redis.ai.svc', port: 7001, role: 'Primary' },
  ]);
});

describe('Sentinel', () => {
  const entry = (ip: string, more: Readonly<Record<string, string>> = {}) =>
    Object.entries({ name: ip, ip, port: '6379', ...more }).flat();
  const master = entry('10.0.0.1', { name: 'mymaster', 'config-epoch': '3' });
  const replicas = [entry('10.0.0.2', { flags: 'slave' }), entry('10.0.0.3', { flags: 's_down,slave' })];

  test('names the primary last, and its replicas, also those that it holds for down', () => {
    expect(sentinelView({ primary: ['10.0.0.1', '6379'], master, replicas })).toEqual({
      epoch: 3,
      nodes: [
        { host: '10.0.0.2', port: 6379, role: 'Replica' },
        { host: '10.0.0.3', port: 6379, role: 'Replica' },
        { host: '10.0.0.1', port: 6379, role: 'Primary' },
      ],
    });
  });
  test('names during a fail-over the new primary, and the old one as a replica', () => {
    expect(sentinelView({ primary: ['10.0.0.2', '6379'], master, replicas }).nodes).toEqual([
      { host: '10.0.0.1', port: 6379, role: 'Replica' },
      { host: '10.0.0.3', port: 6379, role: 'Replica' },
      { host: '10.0.0.2', port: 6379, role: 'Primary' },
    ]);
  });
  test('is believed that has seen the latest fail-over, of equals the one that was asked', () => {
    const view = (epoch: number) => ({ epoch, nodes: [] });
    const [first, equal, newer] = [view(3), view(3), view(4)];
    expect(newestOf(first, [equal, newer])).toBe(newer);
    expect(newestOf(newer, [first])).toBe(newer);
    expect(newestOf(first, [equal])).toBe(first);
  });
  test('names others, but for those that are down, and its primaries', () => {
    const others = [entry('10.0.1.1', { flags: 'sentinel' }), entry('10.0.1.2', { flags: 's_down,sentinel' })];
    expect(sentinelsOf(others)).toEqual([{ host: '10.0.1.1', port: 6379 }]);
    expect(mastersOf([master])).toEqual(['mymaster']);
  });
});
