import type { RedisConnection } from './connect.ts';
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
  own: (lookups: { readonly hits: number; readonly misses: number }) => void,
): Promise<KeySample> {
  if (evictionPolicy !== 'allkeys-lru')
    return { state: 'Unknown', why: `${evictionPolicy} does not throw out by the time since a key was used alone` };
  const keys: SampledKey[] = [];
  const began = performance.now();
  let cursor = '0';
  try {
    do {
      const [next, names] = (await redis.binary('SCAN', cursor, 'COUNT', '100')) as readonly [
        Buffer,
        readonly Buffer[],
      ];
      const asked = await Promise.all(names.map((name) => ask(redis, name)));
      const found = asked.flatMap((key) => key ?? []);
      own({ hits: found.length, misses: asked.length - found.length });
      keys.push(...found);
      cursor = next.toString();
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

async function ask(redis: RedisConnection, name: Buffer): Promise<SampledKey | undefined> {
  const [bytes, idleSeconds] = await Promise.all([
    redis.binary('MEMORY', 'USAGE', name),
    redis.binary('OBJECT', 'IDLETIME', name),
  ]);
  return typeof bytes === 'number' && typeof idleSeconds === 'number' ? { bytes, idleSeconds } : undefined;
}
