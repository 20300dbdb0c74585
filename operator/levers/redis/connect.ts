import { Redis } from 'ioredis';
import { unknownOutside } from '../outside.ts';
import type { RedisAddress } from './address.ts';
import { partingWords } from './parting-words.ts';
import { isOnlyOfData, isReply, serverProblem, withoutArguments } from './server-error.ts';

/** One server, spoken to directly. `await using` closes it. */
export interface RedisConnection extends AsyncDisposable {
  /** `host:port`, for messages. */
  readonly label: string;
  /**
   * One command with bound arguments; the reply as RESP2 has it (maps are flat lists).
   *
   * @throws the server's or the network's own error, without secrets: `serverProblem` says what it means. Unanswered after 1.5 s.
   */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
  /** The same with replies as bytes: the name of a key need not be text. */
  binary(name: string, ...args: readonly (string | Buffer)[]): Promise<unknown>;
}

const answerWithinMs = 1500;
const closeWithinMs = 300;

/** Fails at once and says why: no queue, no reconnect, no retry. The caller comes again by itself. */
const options = {
  lazyConnect: true,
  connectTimeout: answerWithinMs,
  commandTimeout: answerWithinMs,
  disconnectTimeout: closeWithinMs,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  enableReadyCheck: false, // it would wait for a server that loads its data; we say that it does
  retryStrategy: () => null,
  disableClientInfo: true,
  connectionName: 'genops',
};

/**
 * Connects, logs in and waits for the first answer.
 *
 * @throws {Problem} Unreachable, AuthenticationFailed, ProtectedMode, Busy, …: within 2 s.
 */
export async function connectRedis(address: RedisAddress, signal: AbortSignal): Promise<RedisConnection> {
  signal.throwIfAborted();
  const { host, port, username, password, tls, label } = address;
  const redis = new Redis({
    ...options,
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  });
  const plain = (error: unknown): unknown =>
    Error.isError(error) ? withoutArguments(error, password === undefined ? [] : [password]) : error;
  let event: unknown; // connect() itself says no more than "Connection is closed."
  redis.on('error', (error: unknown) => {
    event = error;
  });
  const abort = () => redis.disconnect();
  signal.addEventListener('abort', abort, { once: true });
  const answered = async (reply: Promise<unknown>): Promise<unknown> => {
    try {
      return await reply;
    } catch (error) {
      throw plain(error);
    }
  };
  const connection: RedisConnection = {
    label,
    command: (name, ...args) => answered(redis.call(name, ...args)),
    binary: (name, ...args) => answered(redis.callBuffer(name, ...args)),
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener('abort', abort);
      await closed(redis);
    },
  };
  try {
    await redis.connect();
    await redis.ping().catch(unlessOnlyOfData); // a wrong password shows only in the first answer
    return connection;
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    signal.throwIfAborted();
    const cause = plain(isReply(error) ? error : (event ?? error));
    const words = wasReset(cause) ? await partingWords(address, signal) : undefined;
    throw unknownOutside(cause, address, process.env) ?? serverProblem(words ?? cause, label);
  }
}

function unlessOnlyOfData(error: unknown): void {
  if (!isOnlyOfData(error)) throw error;
}

const wasReset = (error: unknown): boolean =>
  Error.isError(error) && (error.message === 'Connection is closed.' || /ECONNRESET|EPIPE/.test(error.message));

async function closed(redis: Redis): Promise<void> {
  if (redis.status === 'end') return;
  const ended = new Promise<void>((resolve) => redis.once('end', resolve));
  redis.disconnect();
  await ended;
}
