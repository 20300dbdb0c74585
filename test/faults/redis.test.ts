import { expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { main } from '../../operator/cli/main.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { startCluster, startSentinelWorld, type Node } from '../integration/redis-topologies.ts';
import { withholdingProxy } from '../integration/withholding-proxy.ts';
import { deployment, generationService } from '../world/builders.ts';
import { startClockedReconcilers } from '../world/clocked-reconcilers.ts';
import { eventually } from '../world/eventually.ts';
import { startOperator } from '../world/operator-process.ts';
import { expectCondition, kubeconfigPath, startWorld, type World } from '../world/world.ts';
import { apiServerProxy } from './api-server-proxy.ts';

const patient = { withinMs: 60_000 };
const flags = ['--no-leader-elect'];
const cache = { name: 'cache', secretRef: { name: 'redis' } };

const secret = (world: World, stringData: Readonly<Record<string, string>>): Promise<void> =>
  world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'redis' }, stringData });

const told = (world: World, status: 'True' | 'False', reason: string) =>
  world.eventually(async () => expectCondition(await world.service(), 'RedisApplied', { status, reason }), patient);

/** What `genops diff` prints. */
async function diff({ namespace, signal }: World): Promise<string> {
  let text = '';
  const args = ['diff', 'generation', '-n', namespace, '--kubeconfig', kubeconfigPath()];
  await main({ args, env: {}, out: { write: (more) => (text += more) }, err: { write: () => undefined }, signal });
  return text;
}

type Server = World['redis'][number];

const configOf = async (server: Server, names: readonly string[]) =>
  Object.fromEntries(await Promise.all(names.map(async (name) => [name, await server.configGet(name)] as const)));

/** How often the server has taken a CONFIG SET. */
async function writesTo(server: Server): Promise<number> {
  const statistics = String(await server.command('INFO', 'commandstats'));
  const [, calls, failed] = /cmdstat_config\|set:calls=(\d+),.*failed_calls=(\d+)/.exec(statistics) ?? [];
  return Number(calls) - Number(failed);
}

/** Any other spec: the operator comes at once. */
const visited = (visit: number) => ({ monitoring: { slowLogEntries: visit } });

const before = {
  maxmemory: '0',
  'maxmemory-policy': 'allkeys-lru',
  'maxmemory-eviction-tenacity': '100',
  'lazyfree-lazy-eviction': 'no',
};

test('kill -9 in the middle of a lowering: the next operator goes on from where it was, makes no step twice, and puts back what was there first', async () => {
  await using world = await startWorld({ redis: [{ config: before }], operator: false });
  const [redis] = world.redis as readonly [Server];
  await redis.command('EVAL', "for i = 1, 20000 do redis.call('SET', i, string.rep('x', 1000)) end", '0');
  const used = async () => Number(/used_memory:(\d+)/.exec(String(await redis.command('INFO', 'memory')))?.[1]);
  const target = Math.floor((await used()) * 0.92); // two steps of 5 %
  const limit = async () => Number(await redis.configGet('maxmemory'));
  const service = (visit: number) =>
    generationService({
      deletionPolicy: 'Restore',
      redis: [cache],
      overrides: { redis: { maxMemory: String(target), ...visited(visit) } },
    });
  await using proxy = await withholdingProxy(() => connect(redis.port, '127.0.0.1'));
  await secret(world, { host: '127.0.0.1', port: String(proxy.port) });
  await world.apply(deployment());
  proxy.arm('lazyfree-lazy-eviction\r\n$3\r\nyes', 'Answer'); // the first step, which is made and not confirmed
  const killed = await world.restartOperator(flags);
  await world.apply(service(1));
  await proxy.lost;
  await killed.kill();
  const first = await limit();
  expect(first).toBeGreaterThan(target);

  await using operator = await startClockedReconcilers(world);
  await told(world, 'False', 'Lowering');
  expect([await limit(), await writesTo(redis)]).toEqual([first, 1]); // its time to be watched is not over
  expect(await diff(world)).toMatch(/at maxmemory .* of the keys would go/); // though no step is due: somebody asks
  await world.eventually(async () => expect(await used()).toBeLessThan(first));
  operator.putForward(30_000);
  await world.apply(service(2));
  await world.eventually(async () => expect([await limit(), await writesTo(redis)]).toEqual([target, 2]));
  operator.putForward(30_000);
  await world.apply(service(3));
  const rest = ['maxmemory-eviction-tenacity', 'lazyfree-lazy-eviction'] as const;
  await world.eventually(async () =>
    expect(await configOf(redis, rest)).toEqual(Object.fromEntries(rest.map((name) => [name, before[name]]))),
  );
  await told(world, 'True', 'Applied');
  expect((await world.service()).status?.redis).toMatchObject([{ drifted: 0 }]);
  expect([await limit(), await writesTo(redis)]).toEqual([target, 3]);

  await world.delete(generationServices, 'generation');
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  expect(await configOf(redis, Object.keys(before))).toEqual(before);
});

interface Topology extends AsyncDisposable {
  readonly nodes: readonly Node[];
  /** Whom the Secret names. */
  readonly asked: Node;
  readonly sentinelMasterName?: string;
  /** Who is primary, as those know who decide it. */
  primaries(): Promise<string>;
  failOver(): Promise<unknown>;
}

async function behindSentinel(): Promise<Topology> {
  const world = await startSentinelWorld();
  const [asked] = world.sentinels as readonly [Node];
  return {
    nodes: [world.primary, ...world.replicas],
    asked,
    sentinelMasterName: 'mymaster',
    primaries: async () => String(await asked.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')),
    failOver: () => world.failOver(),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function ofCluster(): Promise<Topology> {
  const cluster = await startCluster();
  const [, asked] = cluster.primaries as readonly [Node, Node];
  const [next] = cluster.replicas as readonly [Node];
  return {
    nodes: [...cluster.primaries, ...cluster.replicas],
    asked,
    primaries: async () =>
      String(await asked.command('CLUSTER', 'NODES'))
        .split('\n')
        .flatMap((line) => (/ (?:myself,)?master /.test(line) ? line.split(' ').slice(1, 2) : []))
        .toSorted()
        .join(),
    failOver: () => next.command('CLUSTER', 'FAILOVER'),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

test.each([
  ['behind Sentinel', behindSentinel],
  ['of a cluster', ofCluster],
])(
  'a fail-over %s while the operator is about to tune: all are looked at again, and the new primary is right in the same visit',
  async (_, start) => {
    await using topology = await start();
    const { nodes, asked, sentinelMasterName } = topology;
    await using world = await startWorld({ secrets: ['redis'], operator: false });
    await using apiServer = await apiServerProxy();
    const old = await topology.primaries();
    apiServer.arm('/configmaps?fieldManager=', async () => {
      await topology.failOver(); // all nodes were looked at, and what is about to be done is on its way to be written down
      await eventually(async () => expect(await topology.primaries()).not.toBe(old));
    });
    await secret(world, { host: '127.0.0.1', port: String(asked.port) });
    await world.apply(deployment());
    const { kubeconfig } = apiServer;
    await using operator = await startOperator({ kubeconfig, namespace: world.namespace, flags });
    await world.apply(generationService({ redis: [{ ...cache, ...(sentinelMasterName && { sentinelMasterName }) }] }));
    await apiServer.lost;

    await told(world, 'True', 'Applied');
    expect(await operator.counter('genops_lever_changes_total', { lever: 'redis', result: 'failed' })).toBe(0);
    for (const node of nodes) expect(await node.configGet('maxmemory-policy')).toBe('allkeys-lru');
    expect(await topology.primaries()).not.toBe(old);
    expect(await operator.counter('genops_drift_total', { lever: 'redis' })).toBe(0);
  },
);

test('rotated credentials: both valid for a while nothing is noticed; the old ones gone it is said, and over once the Secret has the new ones', async () => {
  const acl = (password: string) => `genops reset on >${password} ~* &* +@all`;
  const aclFile = `user default on nopass ~* &* +@all\nuser ${acl('canary-first')}\n`;
  await using world = await startWorld({ redis: [{ aclFile }] });
  const [redis] = world.redis as readonly [Server];
  const login = (password: string) =>
    secret(world, { host: '127.0.0.1', port: String(redis.port), username: 'genops', password });
  const service = (visit: number) => generationService({ redis: [cache], overrides: { redis: visited(visit) } });
  const user = (...rules: string[]) => redis.command('ACL', 'SETUSER', 'genops', ...rules);
  await login('canary-first');
  await world.apply(deployment());
  await world.apply(service(1));
  await told(world, 'True', 'Applied');

  await user('>canary-second');
  await login('canary-second');
  await user('<canary-first');
  await redis.configSet('maxmemory-policy', 'noeviction');
  await world.apply(service(2));
  await world.eventually(async () => expect(await redis.configGet('maxmemory-policy')).toBe('allkeys-lru'));
  await told(world, 'True', 'Applied');

  await user('>canary-third', '<canary-second');
  await world.apply(service(3));
  const { message } = await told(world, 'False', 'AuthenticationFailed');
  await login('canary-third');
  await told(world, 'True', 'Applied');
  expect(message + world.operator.log() + JSON.stringify(await world.service())).not.toContain('canary-');
});
