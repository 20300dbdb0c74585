import { expect, test } from '@jest/globals';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import type { OwnerKube } from '../../operator/levers/owner-object.ts';
import { redis as redisLever } from '../../operator/levers/redis/lever.ts';
import { readOwner } from '../../operator/levers/redis/owner.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { unitWith } from '../unit/levers/redis/observations.ts';
import { deployment, generationService } from '../world/builders.ts';
import {
  installRedisKinds,
  redisClusters,
  redisFailovers,
  redisReplications,
  redisWithoutList,
} from '../world/redis-kinds.ts';
import { allow } from '../world/rights.ts';
import { expectCondition, startWorld } from '../world/world.ts';
import { password, secretData } from './lever-tuner.ts';

test('settings of a server that a Redis operator owns go through its object where the list is nobody’s, and are only told where somebody has it', async () => {
  await using redis = await startRedis();
  await using world = await startWorld({ secrets: ['redis'] });
  await installRedisKinds(world);
  const { namespace, kube, signal } = world;
  const port = String(redis.port);
  await world.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'redis' },
    stringData: { host: '127.0.0.1', port },
  });
  await world.apply(deployment());
  const byHand = { manager: 'kubectl', force: true };
  await kube.apply(
    redisFailovers,
    { metadata: { namespace, name: 'cache' }, spec: { redis: { replicas: 3 } } },
    byHand,
    signal,
  );
  const theirs = { dynamicConfig: ['slowlog-max-len 5000', 'masterauth canary-7719'] };
  await kube.apply(
    redisReplications,
    { metadata: { namespace, name: 'cache' }, spec: { clusterSize: 3, redisConfig: theirs } },
    byHand,
    signal,
  );
  const lines = async () => (await world.get(redisFailovers, 'cache'))?.spec.redis;
  const policy = {
    maxMemory: '64Mi',
    parameters: { save: '', 'tcp-backlog': '128', databases: '16', 'set-proc-title': 'yes' },
  };
  const declared = (group: string, kind: string, name = 'cache'): Partial<GenerationServiceSpec> => ({
    deletionPolicy: 'Restore',
    redis: [{ name: 'cache', secretRef: { name: 'redis' }, clusterRef: { group, kind, name } }],
    overrides: { redis: policy },
  });
  const told = (status: 'True' | 'False', reason: string) =>
    world.eventually(async () => expectCondition(await world.service(), 'RedisApplied', { status, reason }), {
      withinMs: 45_000,
    });

  await world.apply(generationService(declared('databases.spotahome.com', 'RedisFailover', 'other')));
  const denied = await told('False', 'PermissionDenied');
  expect(denied.message).toContain('--verb=get,patch --resource=redisfailovers.databases.spotahome.com');
  const apiGroups = ['databases.spotahome.com', 'redis.redis.opstreelabs.in'];
  const rule = { apiGroups, resources: ['redisfailovers', 'redisreplications'], verbs: ['get', 'patch'] };
  await allow(kube, namespace, rule, signal);
  await told('False', 'OwnerNotFound');

  await world.apply(generationService(declared('redis.redis.opstreelabs.in', 'RedisReplication')));
  const foreign = await told('True', 'ReportOnly');
  expect(foreign.message).toMatch(
    /set "maxmemory 67108864", "maxmemory-policy allkeys-lru" in spec\.redisConfig\.dynamicConfig of RedisReplication cache, a list that kubectl has/,
  );
  expect((await world.get(redisReplications, 'cache'))?.spec.redisConfig).toEqual(theirs);
  const clusterRef = { group: 'redis.redis.opstreelabs.in', kind: 'RedisReplication', name: 'cache' };
  const seen = await readOwner(unitWith({}, { namespace, clusterRef }), kube, signal); // as a report would have it
  expect(seen).toMatchObject({ heldBy: { manager: 'kubectl' }, lines: [] });
  expect(await redis.configGet('maxmemory')).toBe('0');

  const spotahome = { group: 'databases.spotahome.com', kind: 'RedisFailover' };
  await world.apply(generationService(declared(spotahome.group, spotahome.kind)));
  const behind = await told('False', 'OwnerBehind');
  expect(behind.message).toMatch(
    /^saw maxmemory 0 instead of 67108864, .*RedisFailover cache has the declared values in spec\.redis\.customConfig/,
  );
  const wanted = expect.arrayContaining(['maxmemory 67108864', 'maxmemory-policy allkeys-lru', 'save ']);
  await world.eventually(async () => expect(await lines()).toEqual({ replicas: 3, customConfig: wanted }));
  const { customConfig = [] } = (await lines()) ?? {};
  expect(customConfig.join()).not.toMatch(/tcp-backlog|databases|set-proc-title/); // one differs, two are in force: refused at run time both would hold up that operator
  for (const line of customConfig) {
    const [name = '', ...value] = line.split(' ');
    await redis.configSet(name, value.join(' ')); // as its operator does
  }
  const applied = await told('True', 'ReportOnly');
  expect(applied.message).toMatch(
    /^saw tcp-backlog 511 instead of 128 on cache; .*next: have "tcp-backlog 128" in the/,
  );
  const unit = unitWith(policy, { namespace, clusterRef: { ...spotahome, name: 'cache' } });
  const looker = await lookerAt(redis, kube);
  const observed = await looker.observe(unit, signal);
  expect(looker.plan({ unit, observed, memory: undefined, now: Date.now() }).changes).toEqual([]);

  await world.delete(generationServices, 'generation');
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  expect(await lines()).toEqual({ replicas: 3 });
});

test('a RedisCluster takes the list as the other kinds do, and an operator that has no such list yet is told', async () => {
  await using redis = await startRedis();
  await using world = await startWorld({ operator: false });
  await installRedisKinds(world);
  const { namespace, kube, signal } = world;
  const byHand = { manager: 'kubectl', force: true };
  const spec = { clusterSize: 3 };
  await kube.apply(redisClusters, { metadata: { namespace, name: 'cache' }, spec }, byHand, signal);
  await kube.apply(redisWithoutList, { metadata: { namespace, name: 'cache' }, spec: { port: 6379 } }, byHand, signal);
  const readSecret = () => Promise.resolve(secretData({ host: '127.0.0.1', port: String(redis.port) }));
  const lever = redisLever({ readSecret, memoryLimit: () => Promise.resolve(undefined), kube });
  const visit = async (kind: string) => {
    const clusterRef = { group: 'redis.redis.opstreelabs.in', kind, name: 'cache' };
    const unit = unitWith({ maxMemory: '64Mi' }, { namespace, clusterRef });
    const observed = await lever.observe(unit, signal);
    const { changes, condition } = lever.plan({ unit, observed, memory: undefined, now: Date.now() });
    for (const change of changes) await lever.apply(change, unit, signal);
    return { reason: condition.reason, changes: changes.length };
  };

  expect(await visit('RedisCluster')).toEqual({ reason: 'OwnerBehind', changes: 1 });
  const lines = expect.arrayContaining(['maxmemory 67108864', 'maxmemory-policy allkeys-lru']);
  expect((await world.get(redisClusters, 'cache'))?.spec).toEqual({ ...spec, redisConfig: { dynamicConfig: lines } });
  expect(await visit('RedisCluster')).toEqual({ reason: 'OwnerBehind', changes: 0 });
  expect(await redis.configGet('maxmemory')).toBe('0'); // its operator's to set
  await expect(visit('Redis')).rejects.toMatchObject({
    reason: 'ConfigRejected',
    message: expect.stringContaining('dynamicConfig'),
  });
});

test('no value makes a line of its own in the list of another operator', async () => {
  await using redis = await startRedis();
  await using world = await startWorld({ operator: false });
  await installRedisKinds(world);
  const { namespace, kube, signal } = world;
  const metadata = { namespace, name: 'cache' };
  await kube.apply(redisClusters, { metadata, spec: { clusterSize: 3 } }, { manager: 'kubectl', force: true }, signal);
  const readSecret = () => Promise.resolve(secretData({ host: '127.0.0.1', port: String(redis.port) }));
  const lever = redisLever({ readSecret, memoryLimit: () => Promise.resolve(undefined), kube });
  const clusterRef = { group: 'redis.redis.opstreelabs.in', kind: 'RedisCluster', name: 'cache' };
  const ending = '\r\nrequirepass canary-7719';
  const parameters = {
    timeout: `7${ending}`,
    'proc-title-template': `{title}${ending}`,
    save: `900 1${ending}`,
    'client-output-buffer-limit': `normal 0 0 0 ${ending} 0 0`,
    [`hz 7${ending}`]: '1',
    hz: '12',
  };
  const unit = unitWith({ maxMemory: '64Mi', parameters }, { namespace, clusterRef });
  const observed = await lever.observe(unit, signal);
  const { changes, condition } = lever.plan({ unit, observed, memory: undefined, now: Date.now() });
  for (const change of changes) await lever.apply(change, unit, signal);

  expect(condition).toMatchObject({ status: 'False', reason: 'ConfigRejected' });
  const lines = (await world.get(redisClusters, 'cache'))?.spec.redisConfig?.dynamicConfig ?? [];
  expect(lines).toEqual(expect.arrayContaining(['hz 12', 'maxmemory 67108864'])); // the others are there
  for (const line of lines) expect(line).not.toMatch(/\p{Cc}|^requirepass/u);
});

/** As a user that may not set anything: what only a start takes nobody tells it. */
async function lookerAt(redis: RedisServer, kube: OwnerKube) {
  const rights = ['+ping', '+info', '+config|get', '+slowlog|get', '+client|setname'];
  await redis.command('ACL', 'SETUSER', 'looker', 'on', `>${password}`, '-@all', ...rights);
  const secret = { host: '127.0.0.1', port: String(redis.port), username: 'looker', password };
  const readSecret = () => Promise.resolve(secretData(secret));
  return redisLever({ readSecret, memoryLimit: () => Promise.resolve(undefined), kube });
}
