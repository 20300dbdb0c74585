import { expect } from '@jest/globals';
import type { RedisServer } from '../../hack/servers/redis.ts';
import { openCache, type CacheOptions } from '../../operator/runtime/cache.ts';
import { defaultSettings } from '../../operator/runtime/default-settings.ts';
import { createSettings } from '../../operator/runtime/settings.ts';
import { eventually } from '../world/eventually.ts';

/** Loads a value, and counts how often. */
export function source(value: unknown = { text: 'loaded' }) {
  let loads = 0;
  return {
    load: () => {
      loads += 1;
      return Promise.resolve(value);
    },
    get loads() {
      return loads;
    },
  };
}

export async function trackedCache(
  redis: RedisServer,
  options: Omit<CacheOptions, 'redis'> = {},
  settings = createSettings(defaultSettings),
) {
  const cache = openCache(settings, { redis: { host: '127.0.0.1', port: redis.port }, ...options });
  await eventually(() => expect(cache.isTracked).toBe(true));
  return cache;
}
