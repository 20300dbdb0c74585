import { milliseconds } from '../../api/duration.ts';
import { bytes } from '../../api/quantity.ts';
import { settingsHash } from '../../api/runtime-hash.ts';
import type { RuntimeSettings } from '../../api/runtime-settings.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';

export interface Rendered {
  readonly settings: RuntimeSettings;
  /** As it stands in the ConfigMap. */
  readonly text: string;
}

/** What a policy declares, as the workload reads it. Equal policies give equal bytes. */
export function render(policy: EffectivePolicy['runtime']): Rendered {
  const figures = figuresOf(policy);
  const settings = { version: 1, hash: settingsHash(figures), ...figures } as const;
  return { settings, text: `${JSON.stringify(settings, undefined, 2)}\n` };
}

function figuresOf({
  pools,
  memory,
  cpuPool,
  batch,
  http,
  cache: { l1, l2, warming },
  postgresPool,
  queryMonitor,
}: EffectivePolicy['runtime']): Omit<RuntimeSettings, 'version' | 'hash'> {
  return {
    pools: Object.fromEntries(Object.entries(pools).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    memory: { collectAboveBytes: bytes(memory.collectAbove) },
    cpuPool: { threads: cpuPool.threads, memoEntries: cpuPool.memoEntries },
    batch: { maxRequests: batch.maxRequests, maxWaitMs: milliseconds(batch.maxWait) },
    http: {
      connections: http.connections,
      connectionsPerHost: http.connectionsPerHost,
      dnsTtlMs: milliseconds(http.dnsTTL),
      keepAliveMs: milliseconds(http.keepAlive),
      timeoutMs: milliseconds(http.timeout),
      connectTimeoutMs: milliseconds(http.connectTimeout),
    },
    cache: {
      l1: { entries: l1.entries, ttlMs: milliseconds(l1.ttl) },
      l2: { ttlMs: milliseconds(l2.ttl) },
      warming: { hotAfterReads: warming.hotAfterReads, maxPerSecond: warming.maxPerSecond },
    },
    postgresPool: {
      min: postgresPool.min,
      max: postgresPool.max,
      recycleAfterQueries: postgresPool.recycleAfterQueries,
      idleTimeoutMs: milliseconds(postgresPool.idleTimeout),
      commandTimeoutMs: milliseconds(postgresPool.commandTimeout),
    },
    queryMonitor: { slowAboveMs: milliseconds(queryMonitor.slowAbove), maxStatements: queryMonitor.maxStatements },
  };
}
