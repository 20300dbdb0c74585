import { expect } from '@jest/globals';
import { onFreePort } from '../../hack/servers/free-port.ts';
import { startRedis, type RedisOptions, type RedisServer } from '../../hack/servers/redis.ts';
import { eventually } from '../world/eventually.ts';

export interface TopologyOptions extends Pick<RedisOptions, 'version' | 'config' | 'aclFile'> {
  /** Lines of each Sentinel's configuration, beside `monitor`. */
  readonly sentinel?: { readonly config?: RedisOptions['config']; readonly lines?: readonly string[] };
  /** Certificate files: the nodes and the Sentinels speak TLS with one another, and to us at `tlsPort`. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** One that speaks TLS too. */
export type Node = RedisServer & { readonly tlsPort: number };

/** A primary, two replicas of it and three Sentinels that watch them as `mymaster`. */
export interface SentinelWorld extends AsyncDisposable {
  readonly primary: Node;
  readonly replicas: readonly Node[];
  readonly sentinels: readonly Node[];
  /** Has another one promoted; which one is told by the Sentinel that was asked. */
  failOver(): Promise<void>;
}

type NodeOptions = RedisOptions & Pick<TopologyOptions, 'tls'>;

/** One after the other: where one does not start, those before it end with the stack. */
async function startNodes(stack: AsyncDisposableStack, count: number, options: NodeOptions): Promise<readonly Node[]> {
  const nodes: Node[] = [];
  while (nodes.length < count) nodes.push(stack.use(await startNode(options)));
  return nodes;
}

/** On another pair of ports where somebody was faster. */
const startNode = (options: NodeOptions): Promise<Node> => onFreePort((tlsPort) => startWith(tlsPort, options));

async function startWith(tlsPort: number, { tls, config, ...options }: NodeOptions): Promise<Node> {
  const secured = tls && {
    'tls-port': String(tlsPort),
    'tls-replication': 'yes',
    'tls-ca-cert-file': tls.ca,
    'tls-cert-file': tls.cert,
    'tls-key-file': tls.key,
  };
  return Object.assign(await startRedis({ ...options, config: { ...config, ...secured } }), { tlsPort });
}

/** A primary and its replicas, the replicas in step. */
export async function startReplication(
  stack: AsyncDisposableStack,
  { sentinel: _, ...options }: TopologyOptions = {},
  count = 2,
): Promise<Pick<SentinelWorld, 'primary' | 'replicas'>> {
  const config = { 'repl-diskless-sync-delay': '0', ...options.config }; // else a primary waits five seconds for more replicas
  const primary = stack.use(await startNode({ ...options, config }));
  const from = `127.0.0.1 ${options.tls === undefined ? primary.port : primary.tlsPort}`;
  const replicas = await startNodes(stack, count, { ...options, config: { ...config, replicaof: from } });
  await eventually(async () => expect(await infoOf(primary, 'connected_slaves')).toBe(String(count)));
  for (const replica of replicas)
    await eventually(async () => expect(await infoOf(replica, 'master_link_status')).toBe('up'));
  return { primary, replicas };
}

export async function startSentinelWorld(options: TopologyOptions = {}): Promise<SentinelWorld> {
  await using stack = new AsyncDisposableStack();
  const { primary, replicas } = await startReplication(stack, options);
  const { version = '7.0', tls, sentinel } = options;
  const config = {
    ...sentinel?.config,
    sentinel: [
      `monitor mymaster 127.0.0.1 ${tls === undefined ? primary.port : primary.tlsPort} 2`,
      'down-after-milliseconds mymaster 2000',
      'failover-timeout mymaster 10000',
      ...(sentinel?.lines ?? []),
    ],
  };
  const sentinels = await startNodes(stack, 3, { version, config, isSentinel: true, ...(tls && { tls }) });
  for (const one of sentinels)
    await eventually(async () => {
      const master = String(await one.command('SENTINEL', 'MASTER', 'mymaster'));
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
  options: Omit<TopologyOptions, 'sentinel'> = {},
): Promise<AsyncDisposable & { readonly primaries: readonly Node[]; readonly replicas: readonly Node[] }> {
  await using stack = new AsyncDisposableStack();
  const config = {
    'cluster-enabled': 'yes',
    'cluster-node-timeout': '3000',
    'repl-diskless-sync-delay': '0',
    ...(options.tls && { 'tls-cluster': 'yes' }),
    ...options.config,
  };
  const nodes = await startNodes(stack, 6, { ...options, config });
  const [primaries, replicas] = [nodes.slice(0, 3), nodes.slice(3)];
  const meet = String(options.tls === undefined ? primaries[0]?.port : primaries[0]?.tlsPort);
  for (const [index, primary] of primaries.entries()) {
    const [from, to] = [Math.ceil((16384 * index) / 3), Math.ceil((16384 * (index + 1)) / 3)];
    const slots = Array.from({ length: to - from }, (_, slot) => String(from + slot));
    await primary.command('CLUSTER', 'ADDSLOTS', ...slots);
    await primary.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }
  for (const node of nodes) await node.command('CLUSTER', 'MEET', '127.0.0.1', meet);
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
