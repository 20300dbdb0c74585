import { Type, type Static } from 'typebox';
import { rfc3339 } from '../../api/rfc3339.ts';
import { coverageOf, fragmentationOf, type CacheServerFigures } from '../../decide/cache-server.ts';
import { measuredFrom } from '../../metrics/measured.ts';
import {
  figure,
  known,
  megabytes,
  serviceName,
  ServiceName,
  textOrNull,
  time,
  timeOf,
  timeOrNull,
  valueOf,
  view,
} from './figures.ts';
import type { CacheServerInput, ViewInput } from './figures.ts';

const SlowCommand = view('A command that took long, without its arguments.', {
  time: time('When it came.'),
  duration_ms: Type.Number({ description: 'How long it took.' }),
  command: Type.String({ description: 'Its name.' }),
});

const BigKey = view('A key that takes much memory.', {
  name: Type.String({ description: 'Its name, cut at 64 characters.' }),
  memory_mb: Type.Number({ description: 'What it takes, in units of 2^20 bytes.' }),
});

const Server = view('One cache server. Nothing of its Secret is in it.', {
  name: Type.String({ description: 'Name in spec.redis.' }),
  server: textOrNull('Redis or Valkey.'),
  version: textOrNull('Version of the server.'),
  topology: textOrNull('Standalone, Replicated, Sentinel or Cluster.'),
  nodes: figure(
    'Its nodes; the figures below are those of its primaries together, null while one of these is pending.',
  ),
  nodes_pending: figure('Nodes of these that did not answer at the last visit.'),
  drifted: figure('Parameters that somebody else had changed and that were put back at the last visit.'),
  observed_at: timeOrNull('When the following was read.'),
  hit_ratio: figure('0 to 1, over the window of the objectives.'),
  hits_total: figure('Look-ups that found their key, since the start of the server.'),
  misses_total: figure('Look-ups that did not, since the start of the server.'),
  evicted_keys_total: figure('Keys thrown out for want of memory, since the start of the server.'),
  expired_keys_total: figure('Keys that went because their time was over, since the start of the server.'),
  rejected_connections_total: figure('Clients turned away for want of connections, since the start of the server.'),
  writes_refused_total: figure('Writes refused for want of memory, since the start of the server.'),
  eviction_exceeded_seconds_total: figure('How long it was above its limit, since the start of the server.'),
  commands_total: figure('Commands since the start of the server.'),
  commands_per_second: figure('As the server itself counts them.'),
  clients: figure('Connections of clients.'),
  keys: figure('Of all databases.'),
  keys_without_expiry: figure('Those of them that never expire.'),
  used_memory_mb: figure('What counts against the limit, in units of 2^20 bytes.'),
  fragmentation_ratio: figure(
    'Memory of the machine for each byte in use; not known below 100 MB, where it tells nothing.',
  ),
  max_memory_mb: figure('The limit, in units of 2^20 bytes. 0: none.'),
  eviction_policy: textOrNull('What is thrown out at the limit.'),
  pending_restart: Type.Unsafe<string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string' },
    description: 'Parameters that wait for a restart. null: not known.',
  }),
  big_keys: Type.Unsafe<Static<typeof BigKey>[] | null>({
    type: ['array', 'null'],
    items: BigKey,
    description: 'The keys that take most memory of those that were searched, largest first. null: not known.',
  }),
  big_keys_unknown: textOrNull('Why big_keys is null, where the server was asked.'),
  big_keys_coverage: figure('How much of all keys was searched, 0 to 1.'),
  big_keys_observed_at: timeOrNull('When the search ended, or went on.'),
  largest_key_mb: figure('The largest key that was seen, in units of 2^20 bytes.'),
  slow_log: Type.Unsafe<Static<typeof SlowCommand>[] | null>({
    type: ['array', 'null'],
    items: SlowCommand,
    description: 'The newest entries of the server’s slow log, newest first. null: not known.',
  }),
  slow_log_unknown: textOrNull('Why slow_log is null, where the server was asked for it.'),
});

export const CacheStatus = view('View B5: the caches of the service.', {
  service: ServiceName,
  statistics: view('Hits of all lookups, over the window of the objectives.', {
    hit_ratio: figure('0 to 1, from the source that the policy names.'),
    redis_hit_ratio: figure('Of the Redis that is worst.'),
    workload_hit_ratio: figure('Of the workload’s own caches, of the component that is worst.'),
  }),
  servers: Type.Array(Server, { description: 'In the order of the spec.' }),
  timestamp: time('When this was answered.'),
});
export type CacheStatus = Static<typeof CacheStatus>;

export function cacheStatus({ service, policy, components, redisHitRatio, cacheServers, now }: ViewInput): CacheStatus {
  const { objectives } = measuredFrom({ policy: policy.objectives, components, redisHitRatio });
  const [redis, workload] = [valueOf(objectives.redisHitRatio), valueOf(objectives.workloadHitRatio)];
  const seen = new Map(service.status?.redis?.map((server) => [server.name, server]));
  return {
    service: serviceName(service),
    statistics: {
      hit_ratio: policy.objectives.cacheHitRatio.source === 'Redis' ? redis : workload,
      redis_hit_ratio: redis,
      workload_hit_ratio: workload,
    },
    servers: (service.spec.redis ?? []).map(({ name }) => {
      const { server, version, topology, nodes, pendingNodes = 0, drifted, pendingRestart } = seen.get(name) ?? {};
      return {
        name,
        server: server ?? null,
        version: version ?? null,
        topology: topology ?? null,
        nodes: nodes ?? null,
        nodes_pending: nodes === undefined ? null : pendingNodes,
        drifted: drifted ?? null,
        ...figuresOf(cacheServers.find((one) => one.name === name)),
        pending_restart: pendingRestart ?? (seen.has(name) ? [] : null),
      };
    }),
    timestamp: rfc3339(now),
  };
}

function figuresOf(server: CacheServerInput | undefined) {
  const { figures, observedAt, hitRatio } = server ?? {};
  return {
    observed_at: timeOf(observedAt),
    hit_ratio: known(hitRatio),
    hits_total: figures?.hits ?? null,
    misses_total: figures?.misses ?? null,
    evicted_keys_total: figures?.evictedKeys ?? null,
    expired_keys_total: figures?.expiredKeys ?? null,
    rejected_connections_total: figures?.rejectedConnections ?? null,
    writes_refused_total: figures?.writesRefused ?? null,
    eviction_exceeded_seconds_total: figures === undefined ? null : figures.evictionExceededMs / 1_000,
    commands_total: figures?.commands ?? null,
    commands_per_second: figures?.commandsPerSecond ?? null,
    clients: figures?.clients ?? null,
    keys: figures?.keys ?? null,
    keys_without_expiry: figures?.keysWithoutExpiry ?? null,
    used_memory_mb: megabytes(figures?.usedMemoryBytes),
    fragmentation_ratio: known(figures && fragmentationOf(figures)),
    max_memory_mb: megabytes(figures?.maxMemoryBytes),
    eviction_policy: figures?.evictionPolicy ?? null,
    ...slowLogOf(figures?.slowLog),
    ...bigKeysOf(figures?.bigKeys),
  };
}

const slowLogOf = (log: CacheServerFigures['slowLog'] | undefined) => ({
  slow_log:
    log?.state === 'Known'
      ? log.commands.map(({ at, durationMs, command }) => ({ time: rfc3339(at), duration_ms: durationMs, command }))
      : null,
  slow_log_unknown: log?.state === 'Unknown' ? log.why : null,
});

function bigKeysOf(found: CacheServerFigures['bigKeys'] | undefined) {
  const seen = found?.state === 'Known' ? found : undefined;
  return {
    big_keys: seen?.keys.map(({ name, bytes }) => ({ name, memory_mb: bytes / 2 ** 20 })) ?? null,
    big_keys_unknown: found?.state === 'Unknown' ? found.why : null,
    big_keys_coverage: seen === undefined ? null : coverageOf(seen),
    big_keys_observed_at: timeOf(seen?.observedAt),
    largest_key_mb: megabytes(seen?.largestBytes),
  };
}
