import type { RuntimeSettings } from '../api/runtime-settings.ts';

/** What holds while nobody has written anything: the figures that an empty policy gives, so that a workload runs the same before it is managed. */
export const defaultSettings: RuntimeSettings = {
  version: 1,
  hash: '000000000000',
  pools: { ai_api: 5, cpu: 2, io: 20 },
  memory: { collectAboveBytes: 1024 * 2 ** 20 },
  cpuPool: { threads: 4, memoEntries: 1000 },
  batch: { maxRequests: 10, maxWaitMs: 100 },
  http: {
    connections: 100,
    connectionsPerHost: 30,
    dnsTtlMs: 300_000,
    keepAliveMs: 30_000,
    timeoutMs: 30_000,
    connectTimeoutMs: 5_000,
  },
  cache: {
    l1: { entries: 1000, ttlMs: 300_000 },
    l2: { ttlMs: 3_600_000 },
    warming: { hotAfterReads: 10, maxPerSecond: 50 },
  },
  postgresPool: { min: 5, max: 20, recycleAfterQueries: 50_000, idleTimeoutMs: 300_000, commandTimeoutMs: 30_000 },
  queryMonitor: { slowAboveMs: 1_000, maxStatements: 500 },
};
