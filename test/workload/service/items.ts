import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { lognormal, type Random } from '../random.ts';
import type { Answer } from './answer.ts';
import type { Cache } from './cache.ts';
import type { CacheResult, Metrics } from './metrics.ts';
import type { Settings } from './settings.ts';

const route = '/api/item/:id';

/** Look-ups since the start. */
export type Lookups = Record<CacheResult, number>;

interface Deps {
  readonly settings: Settings['item'];
  readonly cache: Cache | undefined;
  readonly metrics: Metrics;
  readonly lookups: Lookups;
  readonly random: Random;
}

/** GET /api/item/:id, look-aside: what Redis does not have, or cannot say, is loaded, which takes time. */
export function items({ settings, cache, metrics, lookups, random }: Deps) {
  async function lookUp(cacheOf: Cache, key: string): Promise<{ value?: string; result: CacheResult }> {
    const found = await cacheOf.get(key).then(
      (value) => (value === undefined ? { result: 'miss' as const } : { value, result: 'hit' as const }),
      () => ({ result: 'error' as const }),
    );
    lookups[found.result] += 1;
    metrics.cacheRequests.inc({ level: 'l2', result: found.result });
    return found;
  }

  return async (id: string, signal: AbortSignal): Promise<Answer> => {
    const key = `item:${id}`;
    const found = cache && (await lookUp(cache, key));
    if (found?.value !== undefined) return { status: 200, route, body: { id, value: found.value }, cache: 'hit' };
    await delay(lognormal(random, settings.loadMs, 0.5), undefined, { signal });
    const value = itemValue(id, settings.bytes);
    if (found?.result === 'miss') await cache?.set(key, value, settings.ttlSeconds).catch(() => undefined); // the next one loads it again
    return { status: 200, route, body: { id, value }, cache: 'miss' };
  };
}

/** The same in each Pod, so that it does not matter which of them cached it. */
function itemValue(id: string, bytes: number): string {
  const word = createHash('sha256').update(id).digest('hex');
  return word.repeat(Math.ceil(bytes / word.length)).slice(0, bytes);
}
