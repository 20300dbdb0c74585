import { defaultSettings } from '../../../operator/runtime/default-settings.ts';
import type { Settings } from './settings.ts';

/** Runtime settings while nobody has written any: what the environment says and nothing besides, so that measurements of an unmanaged service mean the same as ever. Each load by itself, no memory before Redis and of no computation, no limit. */
export const unmanaged = ({ item }: Pick<Settings, 'item'>): typeof defaultSettings => ({
  ...defaultSettings,
  pools: { ai_api: 10_000, cpu: 10_000, io: 10_000 },
  cpuPool: { ...defaultSettings.cpuPool, memoEntries: 0 },
  batch: { maxRequests: 1, maxWaitMs: 0 },
  cache: {
    l1: { entries: 0, ttlMs: 0 },
    l2: { ttlMs: item.ttlSeconds * 1000 },
    warming: { hotAfterReads: 1, maxPerSecond: 0 },
  },
});
