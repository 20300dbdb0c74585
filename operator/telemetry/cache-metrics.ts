import type { Registry } from 'prom-client';
import { serverMetrics, type ServerSeries } from './server-series.ts';

/** What one cache server of a service counts; of a cluster all primaries together. */
export interface CacheSeries extends ServerSeries {
  readonly commands: number;
  readonly commandsPerSecond: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictedKeys: number;
  readonly expiredKeys: number;
  readonly rejectedConnections: number;
  readonly writesRefused: number;
  readonly evictionExceededMs: number;
  readonly clients: number;
  readonly keys: number;
  readonly usedMemoryBytes: number;
  readonly residentBytes: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  /** Undefined where it tells nothing. */
  readonly fragmentation: number | undefined;
  /** Undefined while nothing was searched. */
  readonly largestKeyBytes: number | undefined;
  readonly keySearchCoverage: number | undefined;
}

/** What every Redis of every service said at the last visit of the leader. */
export function createCacheMetrics(registry: Registry, series: () => Iterable<CacheSeries>): void {
  const { gauge, counter } = serverMetrics(registry, series);
  counter('genops_redis_commands_total', 'Commands.', ({ commands }) => commands);
  gauge('genops_redis_commands_per_second', 'As the server counts them.', ({ commandsPerSecond }) => commandsPerSecond);
  counter('genops_redis_keyspace_hits_total', 'Look-ups that found their key.', ({ hits }) => hits);
  counter('genops_redis_keyspace_misses_total', 'Look-ups that did not.', ({ misses }) => misses);
  counter('genops_redis_evicted_keys_total', 'Keys thrown out for want of memory.', ({ evictedKeys }) => evictedKeys);
  counter('genops_redis_expired_keys_total', 'Keys whose time was over.', ({ expiredKeys }) => expiredKeys);
  counter(
    'genops_redis_rejected_connections_total',
    'Clients turned away for want of connections.',
    ({ rejectedConnections }) => rejectedConnections,
  );
  counter('genops_redis_writes_refused_total', 'Writes refused with OOM.', ({ writesRefused }) => writesRefused);
  counter(
    'genops_redis_eviction_exceeded_seconds_total',
    'How long it was above its limit.',
    ({ evictionExceededMs }) => evictionExceededMs / 1_000,
  );
  gauge('genops_redis_clients', 'Connections of clients.', ({ clients }) => clients);
  gauge('genops_redis_keys', 'Keys of all databases.', ({ keys }) => keys);
  gauge('genops_redis_memory_used_bytes', 'What counts against the limit.', ({ usedMemoryBytes }) => usedMemoryBytes);
  gauge('genops_redis_memory_resident_bytes', 'What it takes of the machine.', ({ residentBytes }) => residentBytes);
  gauge('genops_redis_memory_max_bytes', 'The limit, 0: none.', ({ maxMemoryBytes }) => maxMemoryBytes);
  gauge(
    'genops_redis_memory_fragmentation_ratio',
    'Memory of the machine for each byte in use; no sample below 100 MB, where it tells nothing.',
    ({ fragmentation }) => fragmentation,
  );
  gauge('genops_redis_largest_key_bytes', 'The largest key that was found.', ({ largestKeyBytes }) => largestKeyBytes);
  gauge(
    'genops_redis_key_search_coverage_ratio',
    'How much of all keys was searched for large ones, 0 to 1.',
    ({ keySearchCoverage }) => keySearchCoverage,
  );
}
