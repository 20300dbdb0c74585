import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import type { RedisMemory } from '../../../../operator/levers/redis/node-memory.ts';
import { plan } from '../../../../operator/levers/redis/plan.ts';
import { e1, planned, seen, unitWith, type Seen } from './observations.ts';

const sent = (result: ReturnType<typeof planned>) =>
  result.changes.flatMap(({ differences }) => differences.map(({ field, to }) => `${field} ${to}`));

const inUse = (usedMemoryBytes: number, expiring = 0): Seen => ({
  usedMemoryBytes,
  keys: { keys: 100, withoutExpiry: 100 - expiring },
});

const gib = 2 ** 30;
const mib = 2 ** 20;

describe('E1', () => {
  test('changes three parameters of a server as it starts, the limit after the eviction policy', () => {
    const result = planned({});
    expect(sent(result)).toEqual([
      'maxmemory-policy allkeys-lru',
      'save 900 1 300 10 60 10000',
      'maxmemory 1073741824',
    ]);
    expect(result.condition).toEqual({
      status: 'True',
      reason: 'Applied',
      message: '11 settings of cache (Redis 7.0.15) are in force.',
    });
    expect(result.againMs).toBe(30_000);
  });

  test('raises the limit before the eviction policy goes', () => {
    const config = { maxmemory: '1000000', 'maxmemory-policy': 'allkeys-lru' };
    const result = planned({ config }, { evictionPolicy: 'noeviction', maxMemory: '1Gi' });
    expect(sent(result).slice(0, 2)).toEqual(['maxmemory 1073741824', 'maxmemory-policy noeviction']);
  });

  test('changes nothing on a server that has it', () => {
    expect(planned({ config: e1 })).toMatchObject({ changes: [], condition: { reason: 'Applied' } });
  });

  test('takes save points in another order for the same', () => {
    expect(planned({ config: { ...e1, save: '60 10000 900 1 300 10' } }).changes).toEqual([]);
  });

  test('takes the last of two names for one parameter', () => {
    const parameters = { 'hash-max-listpack-value': '64', 'hash-max-ziplist-value': '100' };
    expect(sent(planned({ config: e1 }, { parameters }))).toEqual(['hash-max-listpack-value 100']);
  });

  test('says what the server can take only at its start, and does not send it', () => {
    const result = planned({ config: { ...e1, 'tcp-backlog': '100' }, restartOnly: ['tcp-backlog'] });
    expect(result).toMatchObject({
      changes: [],
      condition: {
        status: 'True',
        reason: 'PendingRestart',
        message: expect.stringContaining('tcp-backlog (100 instead of 511)'),
      },
      status: { pendingRestart: ['tcp-backlog'] },
    });
  });

  test('status has a hash of what is wanted: another policy, another hash', () => {
    const hashes = [planned({}), planned({ config: e1 }), planned({}, { maxMemory: '2Gi' })].map(
      ({ status }) => status['hash'],
    );
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });
});

describe('parameters that are not sent', () => {
  test.each([
    ['one of the boundary under its old name', { 'slave-read-only': 'no' }, 'remove it from the policy'],
    [
      'one that the server does not know',
      { 'no-such-thing': '1' },
      'a Redis 7.0.15 that knows no parameter no-such-thing',
    ],
    ['save points that are none', { save: '900' }, 'save takes pairs'],
    ['a size that would wrap around', { 'tcp-keepalive': '20000000000gb' }, 'larger than any'],
  ])('%s; the others are', (_, parameters, text) => {
    const result = planned({}, { parameters });
    expect(result.condition).toMatchObject({
      status: 'False',
      reason: 'ConfigRejected',
      message: expect.stringContaining(text),
    });
    expect(sent(result)).toContain('maxmemory 1073741824');
    for (const name of Object.keys(parameters)) expect(sent(result).join()).not.toContain(`${name} `);
  });
});

describe('eviction guard', () => {
  const withoutExpiry = { keys: { keys: 20, withoutExpiry: 1 } };

  test('leaves policy and limit alone while one key has no expiry, and sends the rest', () => {
    const result = planned(withoutExpiry);
    expect(sent(result)).toEqual(['save 900 1 300 10 60 10000']);
    expect(result.condition).toMatchObject({
      status: 'False',
      reason: 'NonExpiringKeys',
      message: expect.stringContaining('evictionGuard: Off'),
    });
  });

  test.each<[string, Seen, PolicySpec['redis']]>([
    ['every key has an expiry', { keys: { keys: 20, withoutExpiry: 0 } }, {}],
    ['the guard is off', withoutExpiry, { evictionGuard: 'Off' }],
    ['a policy spares keys without expiry', withoutExpiry, { evictionPolicy: 'volatile-lru' }],
    ['the server evicts any key already', { ...withoutExpiry, config: { 'maxmemory-policy': 'allkeys-lfu' } }, {}],
  ])('lets them be set where %s', (_, server, redis) => {
    expect(sent(planned(server, redis)).join()).toContain('maxmemory-policy');
    expect(planned(server, redis).condition.reason).toBe('Applied');
  });

  test('lets a limit be raised that is there already', () => {
    expect(sent(planned({ ...withoutExpiry, config: { maxmemory: '2000000' } }))).toContain('maxmemory 1073741824');
  });

  test.each([
    [9, 'some keys'],
    [10, 'at least 10 keys'],
    [99, 'at least 10 keys'],
    [100, 'at least 100 keys'],
  ])('%d keys read as "%s": the message moves seldom', (count, text) => {
    const { condition } = planned({ keys: { keys: count, withoutExpiry: count } });
    expect(condition.message).toContain(`saw ${text} without expiry`);
  });
});

describe('maxmemory against the container', () => {
  // 75 % with save points, 85 % without: 1 Gi of 1365.33 Mi, 1 Gi of 1204.7 Mi
  test.each([
    ['at 75 % with save points', Math.ceil(gib / 0.75), {}, 'Applied'],
    ['a byte above 75 % with save points', Math.ceil(gib / 0.75) - 2, {}, 'OutOfBounds'],
    ['at 85 % without', Math.ceil(gib / 0.85), { parameters: { save: '' } }, 'Applied'],
    ['a byte above 85 % without', Math.ceil(gib / 0.85) - 2, { parameters: { save: '' } }, 'OutOfBounds'],
  ])('%s', (_, memoryLimitBytes, redis, reason) => {
    const result = planned({ memoryLimitBytes }, redis);
    expect(result.condition.reason).toBe(reason);
    expect(sent(result).includes('maxmemory 1073741824')).toBe(reason === 'Applied');
  });

  test('an append-only file needs the room of a save', () => {
    const result = planned({ memoryLimitBytes: Math.ceil(gib / 0.85), appendOnly: true }, { parameters: { save: '' } });
    expect(result.condition).toMatchObject({
      reason: 'OutOfBounds',
      message: expect.stringContaining('at most 903Mi'),
    });
  });

  test('says so too where the limit came down under what is in force', () => {
    expect(planned({ config: e1, memoryLimitBytes: gib })).toMatchObject({
      changes: [],
      condition: { reason: 'OutOfBounds' },
    });
  });

  test('takes a share of the limit (70 % of 2 Gi)', () => {
    const unit = unitWith({ maxMemoryPercentOfLimit: 70 });
    const result = plan({ unit, observed: seen({ memoryLimitBytes: 2 * gib }), memory: undefined, now: 0 });
    expect(unit.policy.maxMemory).toBeUndefined();
    expect(sent(result)).toContain(`maxmemory ${Math.floor(1.4 * gib)}`);
  });

  test('a share of an unknown limit is nothing to set', () => {
    const result = planned({}, { maxMemoryPercentOfLimit: 70 });
    expect(result.condition).toMatchObject({ reason: 'OutOfBounds', message: expect.stringContaining('workloadRef') });
    expect(sent(result).some((text) => text.startsWith('maxmemory '))).toBe(false);
  });

  test('no limit at all is above every limit', () => {
    expect(planned({ memoryLimitBytes: gib }, { maxMemory: '0' }).condition.reason).toBe('OutOfBounds');
    expect(planned({}, { maxMemory: '0' }).condition.reason).toBe('Applied');
  });
});

describe('the room that a server was seen to need', () => {
  /** 1.8 times of what is in use, and 100 Mi copied by the last save, which reads as 128 Mi: (2048 − 128) / 1.8 = 1066 Mi. */
  const memory = { allocatedBytes: 400 * mib, residentBytes: 720 * mib, copiedBytes: 100 * mib };
  const server: Seen = { config: { ...e1, maxmemory: String(512 * mib) }, memory, memoryLimitBytes: 2 * gib };

  test.each<[string, Seen, PolicySpec['redis'], string]>([
    ['up to it a limit is raised', server, { maxMemory: '1066Mi' }, 'Fragmented'],
    ['above it, though within the rule of 75 %, it is not', server, { maxMemory: '1067Mi' }, 'OutOfBounds'],
    ['without saving nothing is copied', server, { maxMemory: '1137Mi', parameters: { save: '' } }, 'Fragmented'],
    [
      'the rule holds all the same',
      { ...server, memory: { ...memory, residentBytes: 0 } },
      { maxMemory: '1537Mi' },
      'OutOfBounds',
    ],
    [
      'a limit that is in force is left alone',
      { ...server, config: { ...e1, maxmemory: '1500Mi' }, maxMemoryBytes: 1500 * mib },
      { maxMemory: '1500Mi' },
      'Fragmented',
    ],
    [
      'below 100 Mi in use it means nothing',
      { ...server, memory: { ...memory, allocatedBytes: 99 * mib } },
      { maxMemory: '1500Mi' },
      'Applied',
    ],
  ])('%s', (_, seenServer, redis, reason) => {
    const result = planned(seenServer, redis);
    expect(result.condition.reason).toBe(reason);
    if (reason === 'OutOfBounds') expect(sent(result).join()).not.toContain('maxmemory ');
  });
});

describe('fragmentation', () => {
  const at = (ratio: number, before?: true) =>
    planned(
      { config: e1, memory: { allocatedBytes: 200 * mib, residentBytes: 200 * mib * ratio, copiedBytes: 0 } },
      {},
      {},
      before && { originals: {}, applied: e1, serverRun: 'run-1', fragmented: before },
    );
  test.each<[string, ReturnType<typeof at>, string]>([
    ['is said at 1.5', at(1.5), 'Fragmented'],
    ['is not below', at(1.49), 'Applied'],
    ['stays said at 1.3 where it was', at(1.3, true), 'Fragmented'],
    ['is over below', at(1.29, true), 'Applied'],
  ])('%s', (_, { condition, remember }, reason) => {
    expect(condition).toMatchObject({ status: 'True', reason });
    expect(remember?.fragmented).toBe(reason === 'Fragmented' ? true : undefined);
  });
});

describe('maxmemory against what is in use', () => {
  test.each<[string, Seen, PolicySpec['redis'], string]>([
    ['at what is in use, nothing may be evicted', inUse(gib), { evictionPolicy: 'noeviction' }, 'NearlyFull'],
    [
      'a byte below what is in use, nothing may be evicted',
      inUse(gib + 1),
      { evictionPolicy: 'noeviction' },
      'NothingToEvict',
    ],
    [
      'below, and no key has an expiry for volatile-lru',
      inUse(gib + 1),
      { evictionPolicy: 'volatile-lru' },
      'NothingToEvict',
    ],
    [
      'below, and a key has an expiry for volatile-lru',
      inUse(gib + 1, 1),
      { evictionPolicy: 'volatile-lru' },
      'NearlyFull',
    ],
    ['below, and any key may go', inUse(gib + 1, 100), {}, 'Applied'],
    [
      'below an old limit that is too low already, upwards',
      { ...inUse(2 * gib), config: { maxmemory: '1000000' } },
      { evictionPolicy: 'noeviction' },
      'NearlyFull',
    ],
  ])('%s', (_, server, redis, reason) => expect(planned(server, redis).condition.reason).toBe(reason));

  test.each([
    ['at what the empty server uses', 3 * mib, 'OutOfBounds'],
    ['a byte above', 3 * mib + 1, 'Applied'],
  ])('%s', (_, maxMemory, reason) => {
    expect(
      planned({ startupMemoryBytes: 3 * mib, keys: { keys: 1, withoutExpiry: 0 } }, { maxMemory: String(maxMemory) })
        .condition.reason,
    ).toBe(reason);
  });
});

describe('cause', () => {
  const applied = { ...e1, 'tcp-keepalive': '300' };
  const memory: RedisMemory = { originals: { maxmemory: '0' }, applied, serverRun: 'run-1' };
  const drifted = { config: { ...e1, 'maxmemory-policy': 'noeviction' } };

  test.each<[string, Seen, PolicySpec['redis'], RedisMemory | undefined, string]>([
    ['Declared before anything was ever set', drifted, {}, undefined, 'Declared'],
    ['Drift where the same process had it', drifted, {}, memory, 'Drift'],
    ['Restart where another process had it', { ...drifted, serverId: 'run-2' }, {}, memory, 'Restart'],
    [
      'Declared where the policy asks for something new',
      drifted,
      { evictionPolicy: 'allkeys-lfu' },
      memory,
      'Declared',
    ],
    [
      'Declared where it was only intended: a kill is no drift',
      drifted,
      {},
      { applied, serverRun: 'run-1', unconfirmed: ['maxmemory-policy'] },
      'Declared',
    ],
  ])('is %s', (_, server, redis, remembered, cause) => {
    const result = planned(server, redis, {}, remembered);
    expect(result.changes).toMatchObject([{ cause, serverId: server.serverId ?? 'run-1' }]);
    expect(result.status['drifted']).toBe(cause === 'Drift' ? 1 : 0);
  });

  test('each has a change of its own, and what was never in force, which may be refused, holds up no drift', () => {
    const config = { ...e1, maxmemory: '2147483648', 'tcp-keepalive': '0', 'set-max-intset-entries': '1' };
    const result = planned({ config }, {}, {}, memory);
    expect(result.changes.map(({ cause }) => cause)).toEqual(['Drift', 'Declared']);
    expect(result.changes[0]?.differences.map(({ field }) => field)).toEqual(['tcp-keepalive', 'maxmemory']);
  });

  test('a falling limit comes after the eviction policy that makes room, whatever their causes', () => {
    const config = { ...e1, maxmemory: '2147483648', 'maxmemory-policy': 'volatile-lru' };
    const { changes } = planned({ config }, { evictionPolicy: 'allkeys-lfu' }, {}, memory);
    expect(changes).toMatchObject([
      { cause: 'Declared', differences: [{ field: 'maxmemory-policy' }] },
      { cause: 'Drift', differences: [{ field: 'maxmemory' }] },
    ]);
  });

  test('what the server refused stays unconfirmed, and the drift of all others is seen', () => {
    const remembered = { ...memory, applied: { ...applied, hz: '0' }, unconfirmed: ['hz'] };
    const config = { ...drifted.config, hz: '10' };
    const { changes } = planned({ config }, { parameters: { hz: '0' } }, {}, remembered);
    expect(changes).toMatchObject([
      { cause: 'Drift', differences: [{ field: 'maxmemory-policy' }] },
      { cause: 'Declared', differences: [{ field: 'hz' }], remember: { unconfirmed: ['hz'] } },
    ]);
  });
});

describe('memory', () => {
  test('keeps the first original, and everything that is in force', () => {
    const config = { ...e1, maxmemory: '5', 'tcp-keepalive': '0' };
    const memory = { originals: { maxmemory: '0' }, applied: e1, serverRun: 'run-1' } as const;
    const remember = planned({ config }, {}, {}, memory).changes.at(-1)?.remember;
    expect(remember?.originals).toEqual({ maxmemory: '0', 'tcp-keepalive': '0' });
    expect(remember?.applied).toMatchObject({ ...e1, 'tcp-keepalive': '300', 'tcp-backlog': '511' });
  });

  test('takes what a restarted server has for its original', () => {
    const memory = { originals: { maxmemory: '0' }, applied: e1, serverRun: 'run-0' } as const;
    const remember = planned({ config: { ...e1, maxmemory: '7' } }, {}, {}, memory).changes[0]?.remember;
    expect(remember).toMatchObject({ originals: { maxmemory: '7' }, serverRun: 'run-1' });
  });

  test('after a restart, what is held back is no longer ours: it will not pass for drift', () => {
    const memory = { originals: {}, applied: e1, serverRun: 'run-0' } as const;
    const config = { ...e1, 'maxmemory-policy': 'noeviction' };
    const held = planned({ config, keys: { keys: 1, withoutExpiry: 1 } }, {}, {}, memory);
    expect(held.remember?.applied).not.toHaveProperty('maxmemory-policy');
    expect(planned({ config }, {}, {}, held.remember).changes).toMatchObject([{ cause: 'Declared' }]);
  });

  test('writes down what was found in force, once', () => {
    const first = planned({ config: e1 }).remember;
    expect(first).toMatchObject({ originals: {}, applied: e1, serverRun: 'run-1' });
    expect(planned({ config: e1 }, {}, {}, first).remember).toBeUndefined();
    expect(planned({ config: e1, serverId: 'run-2' }, {}, {}, first).remember).toMatchObject({ serverRun: 'run-2' });
  });
});

describe('a server that cannot save', () => {
  test('is said, though the settings are in force, before what waits for a restart', () => {
    const late = { config: { ...e1, 'tcp-backlog': '100' }, restartOnly: ['tcp-backlog'] };
    expect(planned({ ...late, savingFails: true })).toMatchObject({
      condition: { status: 'True', reason: 'SavingFails', message: expect.stringContaining('MISCONF') },
      status: { pendingRestart: ['tcp-backlog'] },
    });
  });
  test('is no excuse for what may not be sent', () => {
    expect(planned({ savingFails: true, keys: { keys: 1, withoutExpiry: 1 } }).condition.reason).toBe(
      'NonExpiringKeys',
    );
  });
});
