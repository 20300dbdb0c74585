import { setTimeout as pause } from 'node:timers/promises';
import { nodeAddress } from './address.ts';
import { createKeySearches } from './big-keys.ts';
import { connectRedis, type RedisConnection } from './connect.ts';
import { observe } from './every-node.ts';
import { countOf, parseInfo } from './info.ts';
import { createLooks } from './looks.ts';
import { addressOf, type RedisDeps } from './observe.ts';
import { serverProblem } from './server-error.ts';
import type { RedisUnit } from './unit.ts';

/** What came of going over the keys of one primary. */
export interface Swept {
  /** `host:port` */
  readonly server: string;
  /** Keys that had expired and went meanwhile. */
  readonly expired: number;
  /** All keys were gone over. */
  readonly isWhole: boolean;
}

/** Of one primary. The server has as long for its clients as each step took. */
const [mostMs, keysOfStep] = [1_000, '1000'];

/**
 * Goes over the keys of every primary: one that SCAN comes upon and that has expired is thrown out at once. By itself the server does that of what is asked for, and of a sample, which may leave a quarter of them in memory.
 *
 * @throws {Problem} Unreachable, PermissionDenied, …
 */
export async function sweepExpired(unit: RedisUnit, deps: RedisDeps, signal: AbortSignal): Promise<readonly Swept[]> {
  const address = await addressOf(unit, deps, signal);
  const kept = { searches: createKeySearches(), looks: createLooks(), memory: undefined };
  const looking = { ...deps, ...kept, sampleWithinMs: 0 }; // what a lower limit would cost is no question here
  const { nodes } = await observe(unit, looking, signal);
  const swept: Swept[] = [];
  for (const { at } of nodes.filter(({ role }) => role === 'Primary')) {
    await using redis = await connectRedis(at === undefined ? address : nodeAddress(address, at), signal);
    try {
      swept.push(await sweep(redis, signal));
    } catch (error) {
      signal.throwIfAborted();
      throw serverProblem(error, redis.label);
    }
  }
  return swept;
}

async function sweep(redis: RedisConnection, signal: AbortSignal): Promise<Swept> {
  const expired = async (): Promise<number> =>
    countOf(parseInfo(String(await redis.command('INFO', 'stats'))), 'expired_keys');
  const before = await expired();
  const began = performance.now();
  let cursor = '0';
  do {
    const stepBegan = performance.now();
    [cursor] = (await redis.command('SCAN', cursor, 'COUNT', keysOfStep)) as [string];
    if (cursor !== '0') await pause(performance.now() - stepBegan, undefined, { signal });
  } while (cursor !== '0' && performance.now() - began < mostMs);
  return { server: redis.label, expired: (await expired()) - before, isWhole: cursor === '0' };
}
