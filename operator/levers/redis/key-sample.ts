import type { RedisConnection } from './connect.ts';
import { sizeOf, walkKeys } from './key-walk.ts';
import type { Totals } from './looks.ts';
import { isForbidden, isReply, isUnanswered } from './server-error.ts';

/** Keys as they come: where they lie in the server's table says nothing of how large or how new they are. */
export type KeySample =
  | { readonly state: 'Known'; readonly keys: readonly SampledKey[]; readonly onlyExpiring: boolean }
  /** One key goes as well as another: none was asked. */
  | { readonly state: 'AtRandom'; readonly onlyExpiring: boolean }
  | { readonly state: 'Unknown'; readonly why: string };

export interface SampledKey {
  readonly bytes: number;
  /** Since it was read or written. */
  readonly idleSeconds: number;
  /** It has no expiry, and only those that have one are thrown out. */
  readonly stays?: true;
}

const mostKeys = 1_000;
const withinMs = 300;

/** Neither asks of a key in a way that makes it look used; `own` counts the look-ups that the server takes for somebody's. */
export async function sampleKeys(
  redis: RedisConnection,
  evictionPolicy: string,
  own: (lookups: Totals) => void,
): Promise<KeySample> {
  const onlyExpiring = evictionPolicy.startsWith('volatile-');
  if (evictionPolicy.endsWith('-random')) return { state: 'AtRandom', onlyExpiring };
  if (!evictionPolicy.endsWith('-lru'))
    return { state: 'Unknown', why: `${evictionPolicy} does not throw out by the time since a key was used alone` };
  const keys: SampledKey[] = [];
  const began = performance.now();
  let cursor = '0';
  try {
    do {
      const step = await walkKeys(redis, cursor, (key) => ask(redis, key, { onlyExpiring, own }));
      keys.push(...step.keys.flatMap(({ answer }) => answer ?? []));
      cursor = step.cursor;
    } while (cursor !== '0' && keys.length < mostKeys && performance.now() - began < withinMs);
    return { state: 'Known', keys, onlyExpiring };
  } catch (error) {
    if (!isReply(error) && !isUnanswered(error)) throw error;
    const next = isForbidden(error)
      ? `; next: grant +scan, +memory|usage, +object|idletime${onlyExpiring ? ', +pttl' : ''} and %R~* (docs/levers/redis.md)`
      : '';
    return {
      state: 'Unknown',
      why: `saw "${(error as Error).message.trim()}"; wanted OBJECT IDLETIME${onlyExpiring ? ' and PTTL' : ''} of some keys${next}`,
    };
  }
}

async function ask(
  redis: RedisConnection,
  key: Buffer,
  { onlyExpiring, own }: { readonly onlyExpiring: boolean; readonly own: (lookups: Totals) => void },
): Promise<SampledKey | undefined> {
  const [bytes, idleSeconds, leftMs] = await Promise.all([
    sizeOf(redis, key),
    redis.binary('OBJECT', 'IDLETIME', key),
    onlyExpiring ? redis.binary('PTTL', key) : undefined,
  ]);
  const isThere = typeof idleSeconds === 'number';
  own({ hits: Number(isThere), misses: Number(!isThere) });
  if (onlyExpiring) own({ hits: Number(leftMs !== gone), misses: Number(leftMs === gone) });
  if (bytes === undefined || !isThere) return undefined;
  return { bytes, idleSeconds, ...(leftMs === withoutExpiry && { stays: true }) };
}

/** What PTTL says instead of a time. */
const [withoutExpiry, gone] = [-1, -2];
