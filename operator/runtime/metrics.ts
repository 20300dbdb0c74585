import { Counter, Gauge, type Registry } from 'prom-client';
import { metricNames } from '../api/contract.ts';
import { hashNumber } from '../api/runtime-hash.ts';
import type { CacheOptions, CacheResult } from './cache.ts';
import type { ConcurrencyPools } from './pools.ts';
import type { LiveSettings } from './settings.ts';

/** Which settings the process runs with: by this the operator knows that they have arrived. */
export function settingsMetrics(registry: Registry, settings: LiveSettings): void {
  gauge(registry, metricNames.runtimeConfigHash, 'Hash of the runtime settings in force, as a number.', () =>
    hashNumber(settings.current.hash),
  );
}

/** Limit, running and queued of each pool. */
export function poolMetrics(registry: Registry, pools: ConcurrencyPools): void {
  const labelNames = ['pool'] as const;
  for (const [what, help] of [
    ['limit', 'Tasks that may run at once.'],
    ['running', 'Tasks that run.'],
    ['queued', 'Tasks that wait for their turn.'],
  ] as const) {
    const made: Gauge<'pool'> = new Gauge({
      name: `generation_pool_${what}`,
      help,
      labelNames,
      registers: [registry],
      collect: () => pools.list().forEach((pool) => made.set({ pool: pool.name }, pool[what])),
    });
  }
}

/** Look-ups by level and result. @returns What `openCache` takes as `onLookup`. */
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

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  const made: Gauge = new Gauge({ name, help, registers: [registry], collect: () => made.set(read()) });
}
