import type { RedisConnection } from './connect.ts';
import { isReply } from './server-error.ts';

/** One step of SCAN. */
export interface WalkedKeys<Answer> {
  /** Where the next step begins; `0`: that was all. */
  readonly cursor: string;
  /** Undefined for a key that went meanwhile, or moves to another node. */
  readonly keys: readonly { readonly key: Buffer; readonly answer: Answer | undefined }[];
}

/** Asks something of each of the next 100 keys. Never TYPE, which would count as a look-up. */
export async function walkKeys<Answer>(
  redis: RedisConnection,
  cursor: string,
  ask: (key: Buffer) => Promise<Answer | undefined>,
): Promise<WalkedKeys<Answer>> {
  const [next, keys] = (await redis.binary('SCAN', cursor, 'COUNT', '100')) as readonly [Buffer, readonly Buffer[]];
  const answered = keys.map(async (key) => ({ key, answer: await ask(key).catch(unlessElsewhere) }));
  return { cursor: next.toString(), keys: await Promise.all(answered) };
}

function unlessElsewhere(error: unknown): undefined {
  if (!isReply(error) || !/^(?:MOVED|ASK|TRYAGAIN)/.test(error.message)) throw error;
}

/** Bytes, by the server's own few samples: to have it count all fields of a large hash stops it for a second. Undefined for a key that is gone. */
export async function sizeOf(redis: RedisConnection, key: Buffer): Promise<number | undefined> {
  const size = await redis.binary('MEMORY', 'USAGE', key);
  return typeof size === 'number' ? size : undefined;
}
