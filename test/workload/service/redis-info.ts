import { Redis } from 'ioredis';
import type { RedisAddress } from './settings.ts';

/** The server's own figures, for the view of the cache. */
export interface RedisInfo extends AsyncDisposable {
  /** By the names of INFO; undefined where the server cannot be reached or asked. */
  read(): Promise<ReadonlyMap<string, string> | undefined>;
}

/** Connects in the background and for ever; a command on a connection that is not there fails at once. */
export function openRedisInfo({ host, port, username, password }: RedisAddress): RedisInfo {
  const redis = new Redis({
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    commandTimeout: 500,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 5), 2000),
  });
  redis.on('error', () => undefined); // then it cannot be asked
  return {
    read: async () => {
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
