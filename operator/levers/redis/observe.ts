import { Problem } from '../../api/problem.ts';
import type { BigKeys, SlowLog } from '../../decide/cache-server.ts';
import type { SecretData } from '../server-address.ts';
import { redisAddress, type RedisAddress } from './address.ts';
import type { KeySearches } from './big-keys.ts';
import { readConfig, setConfig, type ServerValue } from './config.ts';
import { connectRedis, type RedisConnection } from './connect.ts';
import { countOf, errorsOf, keyCounts, parseInfo, type Info } from './info.ts';
import { sampleKeys, type KeySample } from './key-sample.ts';
import type { Looks, Recent } from './looks.ts';
import { comesDown, gentleNames, isStepDue } from './lowering.ts';
import { memoryOfRun, type RedisMemory } from './node-memory.ts';
import {
  nodesOfShards,
  nodesOfSlots,
  replicationOf,
  type Endpoint,
  type ListedNode,
  type Replication,
  type Role,
} from './topology.ts';
import { unnamedMaster } from './sentinel.ts';
import type { OwnerKube } from '../owner-object.ts';
import type { ServerOwner } from './owner.ts';
import { isSettable, meansSame } from './parameters.ts';
import { isForbidden, isReply, serverProblem } from './server-error.ts';
import { readSlowLog } from './slow-log.ts';
import type { RedisUnit, RedisWorkloadRef } from './unit.ts';
import { wantedValues } from './wanted.ts';

/** What the lever needs of Kubernetes. */
export interface RedisDeps {
  /** `data` of a Secret, decoded; undefined where there is none. */
  readSecret(namespace: string, name: string, signal: AbortSignal): Promise<SecretData | undefined>;
  /** Bytes; undefined where the container has no limit or is not there. */
  memoryLimit(ref: RedisWorkloadRef, namespace: string, signal: AbortSignal): Promise<number | undefined>;
  /** For objects of other operators (clusterRef); without it their servers are only looked at. */
  readonly kube?: OwnerKube;
}

/** One node: a server alone, or one of several. */
export interface RedisObserved {
  /** run_id: one process of one server. Two services that see the same one tune the same server. */
  readonly serverId: string;
  /** `host:port`, a short name with its namespace: it outlives the process, and holds no secret. One server may have several. */
  readonly address: string;
  /** Of one of several. */
  readonly at?: Endpoint;
  readonly role: Role;
  readonly server: ServerObserved;
  /** What the server's own operator is told; absent where it has none, or one of which nothing is known. */
  readonly owner?: ServerOwner;
  /** Of the container that `workloadRef` names. */
  readonly memoryLimitBytes: number | undefined;
}

/** One Redis process. */
export interface ServerObserved {
  readonly product: 'Redis' | 'Valkey';
  /** The product's own: Valkey calls itself Redis 7.2.4 for ever. */
  readonly version: string;
  /** From INFO, so known even where CONFIG is not. 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly evictionPolicy: string;
  /** What counts against maxmemory. */
  readonly usedMemoryBytes: number;
  /** What the empty server uses. */
  readonly startupMemoryBytes: number;
  readonly appendOnly: boolean;
  /** The last attempt to write the data to disk went wrong. */
  readonly savingFails: boolean;
  readonly keys: { readonly keys: number; readonly withoutExpiry: number };
  /** Totals since the server's start or CONFIG RESETSTAT: a fall means a new base, not a rate. */
  readonly lookups: { readonly hits: number; readonly misses: number };
  /** Undefined while too few were counted. */
  readonly recent: Recent | undefined;
  /** Only where keys have to go for the declared limit, and may. */
  readonly sample: KeySample | undefined;
  /** How long it has been above its limit without a break; undefined before 7.0, which does not tell. */
  readonly aboveLimitMs: number | undefined;
  /** Writes refused for want of memory, since then too. */
  readonly writesRefused: number;
  /** Totals as above, the rate of the last moment, and the clients of now. */
  readonly work: {
    readonly commands: number;
    readonly commandsPerSecond: number;
    readonly evictedKeys: number;
    readonly expiredKeys: number;
    readonly rejectedConnections: number;
    /** How long it was above its limit. */
    readonly evictionExceededMs: number;
    readonly clients: number;
  };
  readonly memory: {
    /** All that the server has asked for, and what that takes of the machine: more, where it is fragmented. */
    readonly allocatedBytes: number;
    readonly residentBytes: number;
    /** Pages that clients wrote to during the last save or rewrite. */
    readonly copiedBytes: number;
  };
  readonly slowLog: SlowLog;
  readonly bigKeys: BigKeys;
  readonly config: ConfigObserved;
}

type ConfigObserved =
  | { readonly access: 'None'; readonly saw: string }
  | {
      /** `Write` also where nothing differs, since then nobody asked. */
      readonly access: 'Read' | 'Write';
      /** Of all declared parameters that this server knows, by canonical name. */
      readonly values: ReadonlyMap<string, ServerValue>;
      /** What can only be set at a start, by canonical name: of those that differ, and of all that may go into another operator's list. */
      readonly restartOnly: ReadonlySet<string>;
    };

/** What to look for, and with what. */
export interface Look {
  readonly unit: RedisUnit;
  /** What was written down of it before. */
  readonly memory: RedisMemory | undefined;
  readonly memoryLimitBytes: number | undefined;
  readonly searches: KeySearches;
  readonly looks: Looks;
  /** So long keys are asked for what a lower limit would cost. */
  readonly sampleWithinMs: number;
  readonly owner: ServerOwner | undefined;
}

/** What the server in the Secret turned out to be: itself, or one that leads to others. */
export type FirstLook =
  | { readonly kind: 'Alone' | 'Primary'; readonly node: RedisObserved; readonly replication: Replication }
  | { readonly kind: 'Replica'; readonly replication: Replication }
  | { readonly kind: 'Cluster'; readonly nodes: readonly ListedNode[] };

/** Looks at the server that the Secret names. @throws {Problem} Unreachable, AuthenticationFailed, MasterUnknown, … */
export async function lookFirst(address: RedisAddress, look: Look, signal: AbortSignal): Promise<FirstLook> {
  return onServer(address, signal, async (redis, info): Promise<FirstLook> => {
    if (modeOf(info) === 'sentinel') throw await unnamedMaster(redis);
    if (modeOf(info) === 'cluster') return { kind: 'Cluster', nodes: await askShards(redis, info, address) };
    const replication = replicationOf(info);
    if (replication.role === 'Replica') return { kind: 'Replica', replication };
    const node = await lookAt(redis, info, { ...look, address, role: 'Primary' }, signal);
    return { kind: replication.replicas.length === 0 ? 'Alone' : 'Primary', node, replication };
  });
}

/** Looks at one node of several and changes nothing. @throws {Problem} Unreachable, AuthenticationFailed, … */
export async function lookAtNode(
  address: RedisAddress,
  look: Look & { readonly role: Role | undefined },
  signal: AbortSignal,
): Promise<{ readonly node: RedisObserved; readonly replication: Replication }> {
  return onServer(address, signal, async (redis, info) => {
    const replication = replicationOf(info);
    const node = await lookAt(redis, info, { ...look, address, role: look.role ?? replication.role }, signal);
    return { node: { ...node, at: { host: address.host, port: address.port } }, replication };
  });
}

async function onServer<T>(
  address: RedisAddress,
  signal: AbortSignal,
  ask: (redis: RedisConnection, info: Info) => Promise<T>,
): Promise<T> {
  await using redis = await connectRedis(address, signal);
  try {
    return await ask(redis, parseInfo(String(await redis.command('INFO'))));
  } catch (error) {
    signal.throwIfAborted();
    throw serverProblem(error, redis.label);
  }
}

async function lookAt(
  redis: RedisConnection,
  info: Info,
  look: Look & { readonly address: RedisAddress; readonly role: Role },
  signal: AbortSignal,
): Promise<RedisObserved> {
  const { unit, memoryLimitBytes, address, role, looks, searches, sampleWithinMs: withinMs, owner } = look;
  const serverId = info.get('run_id') ?? '';
  const wanted = wantedValues(unit.policy, memoryLimitBytes);
  const config = await observeConfig(redis, wanted, typeof owner?.heldBy === 'string');
  const { slowLogEntries, bigKeys: wantedKeys } = unit.policy.monitoring;
  const slowLog = await readSlowLog(redis, slowLogEntries);
  const now = { ...serverOf(info, config), ...looks.note(serverId, lookupsIn(info), Date.now()) };
  const target = Number(wanted.get('maxmemory') ?? 0);
  const isAsked = unit.asksCost === true && comesDown(now, target);
  const bigKeys: BigKeys =
    role === 'Replica'
      ? { state: 'Unknown', why: 'its primary is searched' }
      : await searches.look(redis, { serverId, keys: now.keys.keys, isAsked }, wantedKeys, signal);
  const sample = isSampleNeeded({ ...look, serverId, server: now, target })
    ? await sampleKeys(redis, unit.policy.evictionPolicy, { own: (totals) => looks.own(serverId, totals), withinMs })
    : undefined;
  const server = { ...now, slowLog, bigKeys, sample };
  return { serverId, address: address.label, role, server, memoryLimitBytes, ...(owner && { owner }) };
}

interface Sampling extends Pick<Look, 'unit' | 'memory'> {
  readonly role: Role;
  readonly serverId: string;
  readonly server: Pick<ServerObserved, 'maxMemoryBytes' | 'usedMemoryBytes'>;
  readonly target: number;
}

/** Where a step is due, or where somebody asks what it costs. In DryRun none comes. */
function isSampleNeeded({ unit, memory, role, serverId, server, target }: Sampling): boolean {
  if (unit.mode !== 'Enforce' || role === 'Replica' || !comesDown(server, target)) return false;
  const last = memoryOfRun(memory, serverId)?.lowering;
  return unit.asksCost === true || isStepDue({ server, role, target, last, now: Date.now() });
}

/** Every node of the cluster that the server in the Secret belongs to. @throws {Problem} */
export const listCluster = (address: RedisAddress, signal: AbortSignal): Promise<readonly ListedNode[]> =>
  onServer(address, signal, (redis, info) => askShards(redis, info, address));

const modeOf = (info: Info): string | undefined => info.get('redis_mode') ?? info.get('server_mode');

/** Before 7.0 there is no CLUSTER SHARDS. The version tells, since a server notes in ACL LOG what a user asks for in vain. */
async function askShards(
  redis: RedisConnection,
  info: Info,
  { host, tls }: RedisAddress,
): Promise<readonly ListedNode[]> {
  const isOld = Number.parseInt(info.get('redis_version') ?? '', 10) < 7;
  if (isOld) return nodesOfSlots(await redis.command('CLUSTER', 'SLOTS'), host);
  return nodesOfShards(await redis.command('CLUSTER', 'SHARDS'), { host, isTls: tls !== undefined });
}

/** Where the unit's Secret says that the server is. @throws {Problem} SecretNotFound, SecretInvalid */
export async function addressOf(unit: RedisUnit, deps: RedisDeps, signal: AbortSignal): Promise<RedisAddress> {
  const { namespace, secretName } = unit;
  const data = await deps.readSecret(namespace, secretName, signal);
  if (data !== undefined) return redisAddress(data, { namespace, name: secretName });
  throw new Problem('SecretNotFound', {
    saw: `no Secret ${namespace}/${secretName}`,
    wanted: 'the address and credentials of the Redis',
    next: `kubectl create secret generic ${secretName} -n ${namespace} --from-literal=uri=redis://…`,
  });
}

const lookupsIn = (info: Info) => ({
  hits: countOf(info, 'keyspace_hits'),
  misses: countOf(info, 'keyspace_misses'),
  uptimeSeconds: countOf(info, 'uptime_in_seconds'),
});

function serverOf(
  info: Info,
  config: ConfigObserved,
): Omit<ServerObserved, 'slowLog' | 'bigKeys' | 'lookups' | 'recent' | 'sample'> {
  const isValkey = info.get('server_name') === 'valkey';
  return {
    product: isValkey ? 'Valkey' : 'Redis',
    version: info.get(isValkey ? 'valkey_version' : 'redis_version') ?? 'unknown',
    maxMemoryBytes: countOf(info, 'maxmemory'),
    evictionPolicy: info.get('maxmemory_policy') ?? 'noeviction',
    usedMemoryBytes: countOf(info, 'used_memory') - countOf(info, 'mem_not_counted_for_evict'),
    startupMemoryBytes: countOf(info, 'used_memory_startup'),
    appendOnly: info.get('aof_enabled') === '1',
    savingFails: info.get('rdb_last_bgsave_status') === 'err',
    keys: keyCounts(info),
    aboveLimitMs: info.has('current_eviction_exceeded_time')
      ? countOf(info, 'current_eviction_exceeded_time')
      : undefined,
    writesRefused: errorsOf(info, 'OOM'),
    work: {
      commands: countOf(info, 'total_commands_processed'),
      commandsPerSecond: countOf(info, 'instantaneous_ops_per_sec'),
      evictedKeys: countOf(info, 'evicted_keys'),
      expiredKeys: countOf(info, 'expired_keys'),
      rejectedConnections: countOf(info, 'rejected_connections'),
      evictionExceededMs: countOf(info, 'total_eviction_exceeded_time'),
      clients: countOf(info, 'connected_clients'),
    },
    memory: {
      allocatedBytes: countOf(info, 'used_memory'),
      residentBytes: countOf(info, 'used_memory_rss'),
      copiedBytes: Math.max(countOf(info, 'rdb_last_cow_size'), countOf(info, 'aof_last_cow_size')),
    },
    config,
  };
}

/** @param goesToList Then also what is in force becomes a line, and has to be one that the server takes. */
async function observeConfig(
  redis: RedisConnection,
  wanted: ReadonlyMap<string, string>,
  goesToList: boolean,
): Promise<ConfigObserved> {
  try {
    await redis.command('CONFIG', 'GET', 'maxmemory');
  } catch (error) {
    if (isReply(error) && isForbidden(error)) return { access: 'None', saw: error.message };
    throw error;
  }
  const values = await readConfig(
    redis,
    new Set([...wanted.keys(), 'maxmemory', 'save', ...gentleNames].filter(isSettable)),
  );
  const restartOnly = new Set<string>();
  for (const [name, { serverName, value }] of values) {
    const text = wanted.get(name);
    if (text === undefined || (!goesToList && meansSame(name, text, value))) continue;
    const settable = await askSettable(redis, serverName, value);
    if (settable === 'Forbidden') return { access: 'Read', values, restartOnly: knownRestartOnly };
    if (settable === 'AtStart') restartOnly.add(name);
  }
  return { access: 'Write', values, restartOnly };
}

/** Redis 6.2 does not say what it takes only at its start, and no server tells a user without CONFIG SET; all from 6.2 to Valkey 9.1 that a policy may name. */
const knownRestartOnly: ReadonlySet<string> = new Set([
  'always-show-logo',
  'databases',
  'disable-thp',
  'hash-seed',
  'io-threads',
  'io-threads-do-reads',
  'mptcp',
  'rdbchecksum',
  'rdma-completion-vector',
  'rdma-rx-size',
  'repl-mptcp',
  'set-proc-title',
  'socket-mark-id',
  'tcp-backlog',
]);

/**
 * Whether a parameter can be set now: the server is asked, since no version number tells (io-threads: Valkey 9 yes, Redis 8 no).
 * The question is a CONFIG SET that names it twice, with the value that it has: always refused, and the refusal says why.
 */
async function askSettable(
  redis: RedisConnection,
  serverName: string,
  value: string,
): Promise<'Now' | 'AtStart' | 'Forbidden'> {
  try {
    await setConfig(redis, [
      [serverName, value],
      [serverName, value],
    ]);
  } catch (error) {
    if (isForbidden(error)) return 'Forbidden';
    if (!isReply(error)) throw error;
    if (/immutable/.test(error.message)) return 'AtStart';
    if (/wrong number of arguments/i.test(error.message) && knownRestartOnly.has(serverName)) return 'AtStart';
  }
  return 'Now';
}
