import type { Answer } from './answer.ts';
import type { QueryMonitor } from '../../../operator/runtime/query-monitor.ts';
import type { Backends } from './backends.ts';
import type { CpuMeter, Recent } from './recent.ts';
import type { RedisInfo } from './redis-info.ts';
import type { Slots } from './slots.ts';

/** Look-ups since the start: in memory or Redis. */
export type Lookups = Record<'hit' | 'miss' | 'error', number>;

interface Observed {
  readonly requests: Recent;
  readonly workflows: Recent;
  readonly slots: Slots;
  readonly cpu: CpuMeter;
  readonly lookups: Lookups;
}

/** GET /api/monitoring/metrics, over the last minute. null: nothing seen. Seconds, MB, percent of one core, ratios 0–1. */
export function monitoringView({ requests, workflows, slots, cpu, lookups }: Observed): Answer {
  const now = performance.now();
  const [all, work] = [requests.summary(now), workflows.summary(now)];
  const metrics = {
    workflow_execution_time: work.p95Seconds,
    workflows_in_flight: slots.taken,
    queue_length: slots.waiting,
    memory_usage_mb: process.memoryUsage.rss() / 2 ** 20,
    cpu_percent: cpu.percent(now),
    request_rate: all.ratePerSecond,
    response_time_p95: all.p95Seconds,
    success_rate: all.successRatio,
    error_rate: all.successRatio === null ? null : 1 - all.successRatio,
    cache_hit_ratio: hitRatio(lookups),
  };
  return { status: 200, route: '/api/monitoring/metrics', body: { timestamp: new Date().toISOString(), metrics } };
}

/** GET /api/cache/status: our look-ups since the start, and the server's own figures; `redis` is null where it cannot be asked. */
export async function cacheView(lookups: Lookups, redisInfo: RedisInfo | undefined): Promise<Answer> {
  const info = await redisInfo?.read();
  const number = (name: string): number | null => (info?.has(name) ? Number(info.get(name)) : null);
  const redis = info && {
    version: info.get('redis_version'),
    used_memory: number('used_memory'),
    maxmemory: number('maxmemory'),
    maxmemory_policy: info.get('maxmemory_policy'),
    keyspace_hits: number('keyspace_hits'),
    keyspace_misses: number('keyspace_misses'),
    evicted_keys: number('evicted_keys'),
    instantaneous_ops_per_sec: number('instantaneous_ops_per_sec'),
  };
  const { hit: hits, miss: misses, error: errors } = lookups;
  const statistics = { hits, misses, errors, hit_ratio: hitRatio(lookups) };
  return { status: 200, route: '/api/cache/status', body: { statistics, redis: redis ?? null } };
}

/** What was done with each part of the library that the environment asks for, since the start. */
export interface BackendFigures {
  readonly cpuPool?: { readonly threads: number; readonly tasks: number; readonly remembered: number };
  readonly httpPool?: { readonly answers: number };
  readonly postgresPool?: { readonly connections: number; readonly statements: number };
}

/** GET /api/backends/status. */
export function backendsView({ threads, model, database }: Backends): Answer {
  const body: BackendFigures = {
    ...(threads && { cpuPool: { threads: threads.pool.threads, ...threads.counts() } }),
    ...(model && { httpPool: { answers: model.answers() } }),
    ...(database && { postgresPool: { connections: database.pool.total, statements: statementsOf(database.monitor) } }),
  };
  return { status: 200, route: '/api/backends/status', body };
}

const statementsOf = (monitor: QueryMonitor): number => monitor.statistics().reduce((sum, { count }) => sum + count, 0);

function hitRatio({ hit, miss, error }: Lookups): number | null {
  const all = hit + miss + error;
  return all === 0 ? null : hit / all;
}
