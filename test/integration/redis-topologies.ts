import { expect } from '@jest/globals';
import { startRedis, type RedisOptions, type RedisServer } from '../../hack/servers/redis.ts';
import { eventually } from '../world/eventually.ts';

type Options = Pick<RedisOptions, 'version' | 'config' | 'aclFile'>;

/** A primary, two replicas of it and three Sentinels that watch them as `mymaster`. */
export interface SentinelWorld extends AsyncDisposable {
  readonly primary: RedisServer;
  readonly replicas: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];
  /** Has another one promoted; which one is told by the Sentinel that was asked. */
  failOver(): Promise<void>;
}

/** A primary and its replicas, the replicas in step. */
export async function startReplication(
  stack: AsyncDisposableStack,
  options: Options = {},
  count = 2,
): Promise<{ readonly primary: RedisServer; readonly replicas: readonly RedisServer[] }> {
  const primary = stack.use(await startRedis(options));
  const start = () => startRedis({ ...options, config: { ...options.config, replicaof: `127.0.0.1 ${primary.port}` } });
  const replicas = (await Promise.all(Array.from({ length: count }, start))).map((one) => stack.use(one));
  await eventually(async () => expect(await infoOf(primary, 'connected_slaves')).toBe(String(count)));
  for (const replica of replicas)
    await eventually(async () => expect(await infoOf(replica, 'master_link_status')).toBe('up'));
  return { primary, replicas };
}

export async function startSentinelWorld(
  options: Options & { readonly sentinelConfig?: RedisOptions['config'] } = {},
): Promise<SentinelWorld> {
  const { sentinelConfig = {}, ...servers } = options;
  await using stack = new AsyncDisposableStack();
  const { primary, replicas } = await startReplication(stack, servers);
  const watch = {
    ...sentinelConfig,
    sentinel: [
      `monitor mymaster 127.0.0.1 ${primary.port} 2`,
      'down-after-milliseconds mymaster 2000',
      'failover-timeout mymaster 10000',
    ],
  };
  const start = () => startRedis({ version: servers.version ?? '7.0', config: watch, isSentinel: true });
  const sentinels = (await Promise.all([start(), start(), start()])).map((one) => stack.use(one));
  for (const sentinel of sentinels)
    await eventually(async () => {
      const master = String(await sentinel.command('SENTINEL', 'MASTER', 'mymaster'));
      expect(master).toMatch(/num-slaves,2,num-other-sentinels,2,/);
    });
  const owned = stack.move();
  return {
    primary,
    replicas,
    sentinels,
    failOver: async () => void (await sentinels[0]?.command('SENTINEL', 'FAILOVER', 'mymaster')),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Three primaries with a replica each, all slots served. */
export async function startCluster(
  options: Options = {},
): Promise<
  AsyncDisposable & { readonly primaries: readonly RedisServer[]; readonly replicas: readonly RedisServer[] }
> {
  await using stack = new AsyncDisposableStack();
  const config = {
    'cluster-enabled': 'yes',
    'cluster-node-timeout': '3000',
    'repl-diskless-sync-delay': '0',
    ...options.config,
  };
  const start = () => startRedis({ ...options, config });
  const nodes = (await Promise.all(Array.from({ length: 6 }, start))).map((one) => stack.use(one));
  const [primaries, replicas] = [nodes.slice(0, 3), nodes.slice(3)];
  const [first] = primaries;
  for (const [index, primary] of primaries.entries()) {
    const [from, to] = [Math.ceil((16384 * index) / 3), Math.ceil((16384 * (index + 1)) / 3)];
    const slots = Array.from({ length: to - from }, (_, slot) => String(from + slot));
    await primary.command('CLUSTER', 'ADDSLOTS', ...slots);
    await primary.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }
  for (const node of nodes) await node.command('CLUSTER', 'MEET', '127.0.0.1', String(first?.port));
  for (const node of nodes)
    await eventually(async () =>
      expect(String(await node.command('CLUSTER', 'INFO'))).toMatch(/cluster_state:ok[^]*cluster_known_nodes:6/),
    );
  for (const [index, replica] of replicas.entries()) {
    const id = String(await primaries[index]?.command('CLUSTER', 'MYID'));
    await eventually(() => replica.command('CLUSTER', 'REPLICATE', id));
  }
  for (const node of nodes)
    await eventually(async () =>
      expect(String(await node.command('CLUSTER', 'NODES')).match(/ (?:myself,)?slave [^]*? connected/g)).toHaveLength(
        3,
      ),
    );
  for (const replica of replicas)
    await eventually(async () => expect(await infoOf(replica, 'master_link_status')).toBe('up'));
  const owned = stack.move();
  return { primaries, replicas, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export async function infoOf(server: RedisServer, field: string): Promise<string | undefined> {
  return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(String(await server.command('INFO')))?.[1];
}
