import { Registry } from 'prom-client';
import {
  batcherMetrics,
  cpuPoolMetrics,
  httpPoolMetrics,
  memoryMetrics,
  poolMetrics,
  postgresPoolMetrics,
  queryMetrics,
  settingsMetrics,
  warmerMetrics,
} from '../../../operator/runtime/metrics.ts';
import type { MemoryOptimizer } from '../../../operator/runtime/memory.ts';
import type { ConcurrencyPools } from '../../../operator/runtime/pools.ts';
import type { LiveSettings } from '../../../operator/runtime/settings.ts';
import { workloadMetrics, type WorkloadLoad } from '../../../operator/runtime/workload-metrics.ts';
import type { Backends } from './backends.ts';
import type { items } from './items.ts';

/** Written as zeros from the start: a rate needs the point before the first request. */
const servedAtOnce = [
  { http_request_method: 'POST', http_route: '/api/workflow', http_response_status_code: 200 },
  { http_request_method: 'POST', http_route: '/api/workflow', http_response_status_code: 503 },
  { http_request_method: 'GET', http_route: '/api/item/:id', http_response_status_code: 200, cache: 'hit' },
  { http_request_method: 'GET', http_route: '/api/item/:id', http_response_status_code: 200, cache: 'miss' },
];

export function createMetrics(load: WorkloadLoad) {
  const registry = new Registry();
  const metrics = workloadMetrics(registry, load);
  for (const served of servedAtOnce) metrics.requestDuration.zero(served);
  return { registry, ...metrics };
}

export type Metrics = ReturnType<typeof createMetrics>;

interface Parts {
  readonly live: LiveSettings;
  readonly pools: ConcurrencyPools;
  readonly memory: MemoryOptimizer;
  readonly item: Pick<ReturnType<typeof items>, 'batcher' | 'warmer'>;
  readonly backends: Pick<Backends, 'threads' | 'model' | 'database'>;
}

/** Figures of what runs here of the library. */
export function partMetrics(registry: Registry, { live, pools, memory, item, backends }: Parts): void {
  const { threads, model, database } = backends;
  settingsMetrics(registry, live);
  poolMetrics(registry, pools);
  memoryMetrics(registry, memory);
  batcherMetrics(registry, item.batcher);
  warmerMetrics(registry, item.warmer);
  if (threads !== undefined) cpuPoolMetrics(registry, threads.pool);
  if (model !== undefined) httpPoolMetrics(registry, model.pool);
  if (database === undefined) return;
  postgresPoolMetrics(registry, database.pool);
  queryMetrics(registry, database.monitor);
}
