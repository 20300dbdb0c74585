import { Counter, type Registry } from 'prom-client';
import { metricNames } from '../api/contract.ts';
import { hashNumber } from '../api/runtime-hash.ts';
import type { Batcher } from './batcher.ts';
import type { CacheOptions, CacheResult } from './cache.ts';
import type { CpuPool } from './cpu-pool.ts';
import { declare, type Sample } from './figures.ts';
import type { HttpPool } from './http-pool.ts';
import type { MemoryOptimizer } from './memory.ts';
import type { ConcurrencyPool, ConcurrencyPools } from './pools.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { QueryMonitor, StatementFigures } from './query-monitor.ts';
import type { LiveSettings } from './settings.ts';
import type { CacheWarmer } from './warmer.ts';

/** Which settings the process runs with: by this the operator knows that they have arrived. */
export function settingsMetrics(registry: Registry, settings: LiveSettings): void {
  const hash = (): number => hashNumber(settings.current.hash);
  declare(registry, { [metricNames.runtimeConfigHash]: ['Hash of the runtime settings in force, as a number.', hash] });
}

/** Limit, running and queued of each pool (D1). */
export function poolMetrics(registry: Registry, pools: ConcurrencyPools): void {
  const each = (figure: (pool: ConcurrencyPool) => number) => (): readonly Sample[] =>
    pools.list().map((pool) => ({ labels: { pool: pool.name }, value: figure(pool) }));
  const figures = {
    generation_pool_limit: ['Tasks that may run at once.', each(({ limit }) => limit)],
    generation_pool_running: ['Tasks that run.', each(({ running }) => running)],
    generation_pool_queued: ['Tasks that wait for their turn.', each(({ queued }) => queued)],
  } as const;
  declare(registry, figures, ['pool']);
}

/** Collections of garbage and what they freed (D2). */
export function memoryMetrics(registry: Registry, memory: Pick<MemoryOptimizer, 'collections' | 'freedBytes'>): void {
  declare(registry, {
    generation_memory_collections_total: ['Collections of garbage.', () => memory.collections],
    generation_memory_freed_bytes_total: ['Resident memory that they gave back.', () => memory.freedBytes],
  });
}

/** Threads and their queue (D3). */
export function cpuPoolMetrics(
  registry: Registry,
  pool: Pick<CpuPool<never, unknown>, 'threads' | 'queued' | 'remembered'>,
): void {
  declare(registry, {
    generation_cpu_pool_threads: ['Threads that there may be.', () => pool.threads],
    generation_cpu_pool_queued: ['Tasks that wait for a thread.', () => pool.queued],
    generation_cpu_pool_remembered: ['Results that are remembered.', () => pool.remembered],
  });
}

/** Requests that wait in batches (D4). */
export function batcherMetrics(registry: Registry, batcher: Pick<Batcher<never, unknown>, 'pending'>): void {
  declare(registry, {
    generation_batch_pending: ['Requests that wait for their batch or its answer.', () => batcher.pending],
  });
}

/** Outgoing requests (D5). */
export function httpPoolMetrics(registry: Registry, pool: Pick<HttpPool, 'limit' | 'running' | 'queued'>): void {
  declare(registry, {
    generation_http_pool_limit: ['Outgoing requests that may be under way at once.', () => pool.limit],
    generation_http_pool_running: ['Outgoing requests under way.', () => pool.running],
    generation_http_pool_queued: ['Outgoing requests that wait for their turn.', () => pool.queued],
  });
}

/** Look-ups by level and result (D6). @returns What `openCache` takes as `onLookup`. */
export function cacheMetrics(registry: Registry): NonNullable<CacheOptions['onLookup']> {
  const requests = new Counter({
    name: metricNames.cacheRequests,
    help: 'Look-ups in the cache, by level (l2 is Redis) and result.',
    labelNames: ['level', 'result'] as const,
    registers: [registry],
  });
  for (const result of ['hit', 'miss', 'error'] satisfies CacheResult[]) requests.inc({ level: 'l2', result }, 0);
  return (level, result) => requests.inc({ level, result });
}

/** Keys that were loaded before anybody asked for them (D7). */
export function warmerMetrics(registry: Registry, warmer: Pick<CacheWarmer, 'warmed'>): void {
  declare(registry, { generation_cache_warmed_total: ['Keys that were warmed.', () => warmer.warmed] });
}

/** Connections to PostgreSQL, and who waits for one (D8). */
export function postgresPoolMetrics(registry: Registry, pool: Pick<PostgresPool, 'total' | 'idle' | 'queued'>): void {
  declare(registry, {
    generation_postgres_pool_connections: ['Connections that are open.', () => pool.total],
    generation_postgres_pool_running: ['Connections that are lent.', () => pool.total - pool.idle],
    generation_postgres_pool_queued: ['Callers that wait for a connection.', () => pool.queued],
  });
}

/** On the page; each has up to a thousand characters, in three series. */
const mostStatements = 20;

/** Calls, time and the longest of those statements that took most time in all (D9), without their literals. The monitor has the others too: `statistics`. */
export function queryMetrics(registry: Registry, monitor: Pick<QueryMonitor, 'statistics' | 'forgotten'>): void {
  const secondsOf = ({ count, averageMs }: StatementFigures): number => (count * averageMs) / 1_000;
  const each = (figure: (of: StatementFigures) => number) => (): readonly Sample[] =>
    monitor
      .statistics()
      .toSorted((a, b) => secondsOf(b) - secondsOf(a))
      .slice(0, mostStatements)
      .map((of) => ({ labels: { statement: of.statement }, value: figure(of) }));
  const figures = {
    generation_statement_calls_total: ['Times that the statement has ended.', each(({ count }) => count)],
    generation_statement_seconds_total: ['Time that they took.', each(secondsOf)],
    generation_statement_longest_seconds: ['Time that the longest took.', each(({ maxMs }) => maxMs / 1_000)],
  } as const;
  declare(registry, figures, ['statement']);
  declare(registry, {
    generation_statements_forgotten_total: ['Statements dropped for want of room.', () => monitor.forgotten],
  });
}
