import { Redis } from 'ioredis';
import type { RedisAddress } from './settings.ts';

/** A cache that may be away at any time: its users go on without it. */
export interface Cache extends AsyncDisposable {
  /** undefined: not there. */
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  /** The server's own figures, by the names of INFO; undefined where it cannot be reached or asked. */
  info(): Promise<ReadonlyMap<string, string> | undefined>;
}

/** Connects in the background and for ever; a command on a connection that is not there fails at once. */
export function openCache(address: RedisAddress): Cache {
  const redis = new Redis({
    host: address.host,
    port: address.port,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    commandTimeout: 500,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 5), 2000),
  });
  redis.on('error', () => undefined); // each command tells of it, and is counted
  return {
    get: async (key) => (await redis.get(key)) ?? undefined,
    set: async (key, value, ttlSeconds) => {
      await redis.set(key, value, 'EX', ttlSeconds);
    },
    info: async () => {
      const text = await redis.info().catch(() => undefined);
      return text === undefined ? undefined : parseInfo(text);
    },
    [Symbol.asyncDispose]: async () => redis.disconnect(),
  };
}

function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
