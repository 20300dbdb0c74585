import type { Redis } from 'ioredis';
import { follow } from './follow.ts';

/** So often each connection is asked whether it still answers. */
const everyMs = 500;

/** An answer, if not the one that was hoped for. */
export const isRefusal = (error: unknown): boolean => Error.isError(error) && error.name === 'ReplyError';

/** Has ioredis open another connection in its place. One that is being opened is left alone: to end that one would end them all. */
export function reopen(connection: Redis): void {
  if (connection.status === 'ready') connection.disconnect(true);
}

/**
 * Asks a connection again and again whether it still answers, and reopens it where it does not: of one that is cut without a word TCP would know after a quarter of an hour.
 *
 * @param ping Fails where there is no answer in time. @returns Ends it.
 */
export function keepAsking(
  connection: Redis,
  ping: () => Promise<unknown>,
  onSilence: (error: unknown) => void,
): () => void {
  let asking = new AbortController();
  const ask = (): Promise<unknown> =>
    ping().catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
  const end = (): void => asking.abort();
  connection.on('close', end);
  connection.on('ready', () => {
    asking = new AbortController();
    follow(ask, everyMs, asking.signal).catch((error: unknown) => {
      onSilence(error);
      reopen(connection);
    });
  });
  return end;
}
