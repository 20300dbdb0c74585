import type { RedisConnection } from './connect.ts';
import { sizeOf, walkKeys } from './key-walk.ts';
import type { Totals } from './looks.ts';
import { isForbidden, isReply, isUnanswered } from './server-error.ts';

/** Keys as they come: where they lie in the server's table says nothing of how large or how new they are. */
export type KeySample =
  | { readonly state: 'Known'; readonly keys: readonly SampledKey[] }
  | { readonly state: 'Unknown'; readonly why: string };

export interface SampledKey {
  readonly bytes: number;
  /** Since it was read or written. */
  readonly idleSeconds: number;
}

const mostKeys = 1_000;
const withinMs = 300;

/** Neither asks of a key in a way that makes it look used; `own` counts the look-ups that the server takes for somebody's. */
export async function sampleKeys(
  redis: RedisConnection,
  evictionPolicy: string,
  own: (lookups: Totals) => void,
): Promise<KeySample> {
  if (evictionPolicy !== 'allkeys-lru')
    return { state: 'Unknown', why: `${evictionPolicy} does not throw out by the time since a key was used alone` };
  const keys: SampledKey[] = [];
  const began = performance.now();
  let cursor = '0';
  try {
    do {
      const step = await walkKeys(redis, cursor, (key) => ask(redis, key, own));
      keys.push(...step.keys.flatMap(({ answer }) => answer ?? []));
      cursor = step.cursor;
    } while (cursor !== '0' && keys.length < mostKeys && performance.now() - began < withinMs);
    return { state: 'Known', keys };
  } catch (error) {
    if (!isReply(error) && !isUnanswered(error)) throw error;
    const next = isForbidden(error)
      ? '; next: grant +scan, +memory|usage, +object|idletime and %R~* (docs/levers/redis.md)'
      : '';
    return {
      state: 'Unknown',
      why: `saw "${(error as Error).message.trim()}"; wanted OBJECT IDLETIME of some keys${next}`,
    };
  }
}

async function ask(
  redis: RedisConnection,
  key: Buffer,
  own: (lookups: Totals) => void,
): Promise<SampledKey | undefined> {
  const [bytes, idleSeconds] = await Promise.all([sizeOf(redis, key), redis.binary('OBJECT', 'IDLETIME', key)]);
  const isThere = typeof idleSeconds === 'number';
  own({ hits: Number(isThere), misses: Number(!isThere) });
  return bytes !== undefined && isThere ? { bytes, idleSeconds } : undefined;
}
