import type { RedisConnection } from './connect.ts';
import { sizeOf, walkKeys } from './key-walk.ts';
import type { Totals } from './looks.ts';
import { isForbidden, isReply, isUnanswered } from './server-error.ts';

/** Keys as they come: where they lie in the server's table says nothing of how large or how new they are. */
export type KeySample =
  | { readonly state: 'Known'; readonly keys: readonly SampledKey[]; readonly onlyExpiring: boolean }
  | { readonly state: 'ByExpiry'; readonly keys: readonly SampledKey[]; readonly onlyExpiring: true }
  | { readonly state: 'ByUse'; readonly keys: readonly CountedKey[]; readonly onlyExpiring: boolean }
  /** One key goes as well as another: none was asked. */
  | { readonly state: 'AtRandom'; readonly onlyExpiring: boolean }
  | { readonly state: 'Unknown'; readonly why: string };

interface AnyKey {
  readonly bytes: number;
  /** Until it expires; absent: nobody has asked, or it does not. */
  readonly leftMs?: number;
  /** It has no expiry, and only those that have one are thrown out. */
  readonly stays?: true;
}

export interface SampledKey extends AnyKey {
  /** Since it was read or written. */
  readonly idleSeconds: number;
}

export interface CountedKey extends AnyKey {
  /** 0 to 255: the more often it is used the slower it rises; it fades in minutes. */
  readonly counter: number;
}

const mostKeys = 1_000;

/** Takes no more than `withinMs` and one step. Neither asks of a key in a way that makes it look used; `own` counts the look-ups that the server takes for somebody's. */
export async function sampleKeys(
  redis: RedisConnection,
  evictionPolicy: string,
  { own, withinMs }: Pick<Asking, 'own' | 'withinMs'>,
): Promise<KeySample> {
  const onlyExpiring = evictionPolicy.startsWith('volatile-');
  if (evictionPolicy === 'noeviction') return { state: 'Unknown', why: 'noeviction throws nothing out' };
  if (evictionPolicy.endsWith('-random')) return { state: 'AtRandom', onlyExpiring };
  const by = evictionPolicy.endsWith('-lfu') ? 'FREQ' : 'IDLETIME';
  try {
    const asked = await askSome(redis, { by, onlyExpiring, own, withinMs });
    if (by === 'FREQ')
      return { state: 'ByUse', keys: asked.map(({ answer: counter, ...key }) => ({ ...key, counter })), onlyExpiring };
    const keys = asked.map(({ answer: idleSeconds, ...key }) => ({ ...key, idleSeconds }));
    if (evictionPolicy === 'volatile-ttl') return { state: 'ByExpiry', keys, onlyExpiring: true };
    return { state: 'Known', keys, onlyExpiring };
  } catch (error) {
    if (!isReply(error) && !isUnanswered(error)) throw error;
    const next = isForbidden(error)
      ? `; next: grant +scan, +memory|usage, +object|${by.toLowerCase()}${onlyExpiring ? ', +pttl' : ''} and %R~* (docs/levers/redis.md)`
      : '';
    return {
      state: 'Unknown',
      why: `saw "${(error as Error).message.trim()}"; wanted OBJECT ${by}${onlyExpiring ? ' and PTTL' : ''} of some keys${next}`,
    };
  }
}

interface Asking {
  readonly by: 'IDLETIME' | 'FREQ';
  readonly onlyExpiring: boolean;
  readonly own: (lookups: Totals) => void;
  readonly withinMs: number;
}

interface Asked extends AnyKey {
  readonly answer: number;
}

async function askSome(redis: RedisConnection, asking: Asking): Promise<readonly Asked[]> {
  const keys: Asked[] = [];
  const began = performance.now();
  let cursor = '0';
  do {
    const step = await walkKeys(redis, cursor, (key) => ask(redis, key, asking));
    keys.push(...step.keys.flatMap(({ answer }) => answer ?? []));
    cursor = step.cursor;
  } while (cursor !== '0' && keys.length < mostKeys && performance.now() - began < asking.withinMs);
  return keys;
}

async function ask(redis: RedisConnection, key: Buffer, { by, onlyExpiring, own }: Asking): Promise<Asked | undefined> {
  const [bytes, answer, left] = await Promise.all([
    sizeOf(redis, key),
    redis.binary('OBJECT', by, key),
    onlyExpiring ? redis.binary('PTTL', key) : undefined,
  ]);
  const isThere = typeof answer === 'number';
  own({ hits: Number(isThere), misses: Number(!isThere) });
  if (onlyExpiring) own({ hits: Number(left !== gone), misses: Number(left === gone) });
  if (bytes === undefined || !isThere) return undefined;
  const expires = typeof left === 'number' && left >= 0;
  return { bytes, answer, ...(expires && { leftMs: left }), ...(left === withoutExpiry && { stays: true }) };
}

/** What PTTL says instead of a time. */
const [withoutExpiry, gone] = [-1, -2];
