/** `genops/runtime`: what a workload uses of the settings that the operator gives it. Each part stands for itself; take what you need. */
export { adminHeaders, adminPath, adminSignature } from '../api/admin-request.ts';
export type { RuntimeSettings } from '../api/runtime-settings.ts';
export { createAdmin, type Admin, type AdminAnswer, type AdminOptions } from './admin.ts';
export { createBatcher, type Batcher, type BatcherOptions } from './batcher.ts';
export { openCache, type Cache, type CacheOptions, type Found } from './cache.ts';
export { openCpuPool, type CpuPool, type CpuPoolOptions } from './cpu-pool.ts';
export { defaultSettings } from './default-settings.ts';
export { openHttpPool, type HttpPool } from './http-pool.ts';
export type { Connection } from './lent-connection.ts';
export { openMemoryOptimizer, type Collection, type MemoryOptimizer, type MemoryOptions } from './memory.ts';
export {
  batcherMetrics,
  cacheMetrics,
  cpuPoolMetrics,
  httpPoolMetrics,
  memoryMetrics,
  poolMetrics,
  postgresPoolMetrics,
  queryMetrics,
  settingsMetrics,
  warmerMetrics,
} from './metrics.ts';
export { Overloaded } from './overloaded.ts';
export { openPools, type ConcurrencyPool, type ConcurrencyPools } from './pools.ts';
export { openPostgresPool, type PostgresPool, type PostgresPoolOptions } from './postgres-pool.ts';
export { createQueryMonitor, type QueryMonitor, type StatementFigures } from './query-monitor.ts';
export {
  createSettings,
  watchSettings,
  type LiveSettings,
  type PushedSettings,
  type SettingsFile,
  type TakenOver,
} from './settings.ts';
export { createWarmer, type CacheWarmer } from './warmer.ts';
export { workloadMetrics, type WorkloadLoad, type WorkloadMetrics } from './workload-metrics.ts';
