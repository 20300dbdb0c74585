import { once } from 'node:events';
import { connect } from 'node:net';
import type { RedisAddress } from './address.ts';

const withinMs = 500;

/**
 * What a server says before it hangs up on a newcomer: protected mode, or no connection left.
 * A client that sends at once loses these words to the reset that follows, so this one only listens.
 *
 * @returns The line as a reply error; undefined where nothing is said in half a second, or where it would be TLS.
 */
export async function partingWords({ host, port, tls }: RedisAddress, signal: AbortSignal): Promise<Error | undefined> {
  if (tls !== undefined) return undefined;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
  const socket = connect({ host, port });
  socket.on('error', () => undefined); // then there were no words
  try {
    const [data]: unknown[] = await once(socket, 'data', { signal: limited });
    const [, line] = /^-(.+)/.exec(String(data)) ?? [];
    return line === undefined ? undefined : Object.assign(new Error(line.trim()), { name: 'ReplyError' });
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    socket.destroy();
  }
}
