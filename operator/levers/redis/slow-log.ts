import type { SlowLog } from '../../decide/cache-server.ts';
import type { RedisConnection } from './connect.ts';
import { isForbidden, isReply, isUnanswered } from './server-error.ts';

/**
 * The newest entries of the slow log, by the names of their commands alone: arguments are the data of whoever uses the server.
 * A server that does not show it is tuned all the same.
 */
export async function readSlowLog(redis: RedisConnection, entries: number): Promise<SlowLog> {
  if (entries === 0) return { state: 'Unknown', why: 'redis.monitoring.slowLogEntries is 0' };
  try {
    const reply = await redis.command('SLOWLOG', 'GET', String(entries));
    return { state: 'Known', commands: Array.isArray(reply) ? reply.flatMap(commandOf) : [] };
  } catch (error) {
    if (!isReply(error) && !isUnanswered(error)) throw error;
    const next = isForbidden(error) ? '; next: grant +slowlog|get (docs/levers/redis.md)' : '';
    return { state: 'Unknown', why: `saw "${(error as Error).message.trim()}"; wanted SLOWLOG GET${next}` };
  }
}

/** [id, seconds since 1970, microseconds, [command, …arguments], …]; what has another shape is left out. */
function commandOf(entry: unknown): Extract<SlowLog, { state: 'Known' }>['commands'] {
  if (!Array.isArray(entry)) return [];
  const [, seconds, microseconds, words] = entry as readonly unknown[];
  if (typeof seconds !== 'number' || typeof microseconds !== 'number' || !Array.isArray(words)) return [];
  return [
    { at: seconds * 1_000, durationMs: microseconds / 1_000, command: String(words[0]).toUpperCase().slice(0, 64) },
  ];
}
