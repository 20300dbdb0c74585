import { LRUCache } from 'lru-cache';
import { createCoAccess } from './co-access.ts';
import type { LiveSettings } from './settings.ts';

export interface CacheWarmer {
  /** A real read. @param session What belongs together: the id of a request or of a user. */
  note(session: string, key: string): void;
  /** Warms the keys that were read most often, no more than a second allows. @returns How many are in the cache now. */
  warmPopular(): Promise<number>;
  /** Keys that were warmed; of those that failed, none. */
  readonly warmed: number;
}

/** Most keys whose warming is remembered, so that it is not repeated while they are in the cache anyway. */
const rememberedKeys = 5_000;

/**
 * Has the companions of a much-read key loaded before anybody asks for them: keys that were really read together with it.
 *
 * @param warm Reads the key through the cache. What it throws is nobody's fault: the next reader loads it.
 */
export function createWarmer(settings: LiveSettings, warm: (key: string) => Promise<unknown>): CacheWarmer {
  const coAccess = createCoAccess();
  const lately = new LRUCache<string, true>({ max: rememberedKeys });
  let warmed = 0;
  const times: number[] = []; // when, within the last second
  /** At most `maxPerSecond` in any second; what is beyond is dropped: the next read asks again. */
  const mayWarm = (): boolean => {
    const now = performance.now();
    while (times[0] !== undefined && times[0] <= now - 1_000) times.shift();
    if (times.length >= settings.current.cache.warming.maxPerSecond) return false;
    times.push(now);
    return true;
  };
  const begin = async (key: string): Promise<void> => {
    await warm(key);
    warmed += 1;
  };
  return {
    get warmed() {
      return warmed;
    },
    note(session, key) {
      const reads = coAccess.note(session, key);
      const { warming, l1 } = settings.current.cache;
      if (reads <= warming.hotAfterReads) return;
      for (const related of coAccess.related(key)) {
        if (lately.has(related)) continue;
        if (!mayWarm()) return;
        lately.set(related, true, { ttl: Math.max(1, l1.ttlMs) });
        begin(related).catch(() => lately.delete(related));
      }
    },
    async warmPopular() {
      const { maxPerSecond } = settings.current.cache.warming;
      const begun = coAccess.popular(maxPerSecond).filter(mayWarm).map(begin);
      const ended = await Promise.allSettled(begun);
      return ended.filter(({ status }) => status === 'fulfilled').length;
    },
  };
}
