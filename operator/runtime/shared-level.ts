import { Redis, type RedisOptions } from 'ioredis';
import { createDeadlines, type Deadlines } from './deadlines.ts';
import { isRefusal, keepAsking, reopen } from './heartbeat.ts';
import { drawTicket, isOfAnotherType, sharedTicket, writeWith, type Ticket } from './ticket.ts';
import { told } from './told.ts';

export interface RedisServer {
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: NonNullable<RedisOptions['tls']>;
}

export type SharedAnswer =
  | { readonly result: 'hit'; readonly value: unknown }
  /** Without a ticket, nothing that is loaded now may be written. */
  | { readonly result: 'miss'; readonly ticket: Ticket | undefined }
  | { readonly result: 'error' };

/** The cache in Redis. It may be away at any time: nobody is held up by it. */
export interface SharedLevel extends AsyncDisposable {
  get(key: string): Promise<SharedAnswer>;
  /** Only while nobody has touched the key since the ticket was drawn. @returns False where somebody has: the value may be out of date. */
  set(key: string, value: unknown, how: { readonly ticket: Ticket; readonly ttlMs: number }): Promise<boolean>;
  /** @throws Where it could not be deleted: the others go on serving it. */
  delete(key: string): Promise<void>;
  /** Whether Redis tells us of every key that somebody else changes, deletes or lets expire. */
  readonly isTracked: boolean;
}

export interface SharedLevelOptions {
  readonly redis: RedisServer;
  readonly prefix: string;
  /** Somebody else has changed this key; undefined: nobody knows which. */
  readonly onForget: (key: string | undefined) => void;
  readonly onError?: ((error: Error) => unknown) | undefined;
}

const channel = '__redis__:invalidate';
/** Nobody waits for an answer longer than twice this. */
const deadlineMs = 250;

/**
 * Client-side caching of Redis 6 and later: one connection asks, and Redis tells the other of each key with our prefix that anybody else touches.
 * RESP2 for that other, since ioredis drops the push messages of RESP3.
 */
export function openSharedLevel({ redis: server, prefix, onForget, onError }: SharedLevelOptions): SharedLevel {
  const data = new Redis(connectionTo(server));
  const listener = new Redis({ ...connectionTo(server), protocol: 2, autoResubscribe: false, commandTimeout: 2_000 });
  const failed = (error: unknown): void => told(onError, error as Error);
  const deadlines = createDeadlines(deadlineMs);
  const { within } = deadlines;
  const together = inOneWrite(data, deadlines);
  const tracking = track({ data, within, listener, prefix, onForget, failed });

  /** A command that got no answer: perhaps neither does the listener, and would not know. A refusal is an answer. */
  const noted = (error: unknown): void => {
    failed(error);
    if (!tracking.isOn || isRefusal(error)) return;
    tracking.lose();
    reopen(listener);
  };
  const heartbeats = [
    keepAsking(data, () => within(data.ping()), noted),
    keepAsking(listener, () => within(listener.ping(channel)), noted), // it says nothing while nobody deletes anything, and nothing when it is cut
  ];
  const missing = async (ticket: Promise<Ticket | undefined>): Promise<SharedAnswer> => {
    try {
      return { result: 'miss', ticket: await within(ticket) };
    } catch (error) {
      noted(error); // a full Redis, say, which has nothing all the same
      return { result: 'miss', ticket: undefined };
    }
  };
  return {
    get isTracked() {
      return tracking.isOn;
    },
    async get(key) {
      try {
        const found = parsed(await within(together(() => data.get(prefix + key))));
        return found ?? (await missing(drawTicket(data, prefix + key)));
      } catch (error) {
        if (isOfAnotherType(error)) return missing(sharedTicket(data, prefix + key));
        noted(error);
        return { result: 'error' };
      }
    },
    async set(key, value, { ticket, ttlMs }) {
      const text = asJson(prefix + key, value);
      if (Error.isError(text)) {
        failed(text); // Redis was not asked: that says nothing of the listener
        return true;
      }
      try {
        return await within(writeWith(data, { name: prefix + key, ticket, text, ttlMs }));
      } catch (error) {
        noted(error);
        return true;
      }
    },
    async delete(key) {
      try {
        // A key that is not there is deleted without a word; one that was just set is told of, also to who is loading it from elsewhere at this moment.
        const both = data
          .pipeline()
          .set(prefix + key, '', 'PX', 1_000)
          .del(prefix + key);
        const [set, deleted] = (await within(both.exec())) ?? [];
        if (deleted?.[0]) throw deleted[0];
        // A full Redis does not set, and what it never had is in memory all the same: it passes on what we say.
        if (set?.[0] && deleted?.[1] === 0) await within(data.publish(channel, prefix + key));
      } catch (error) {
        noted(error);
        throw error;
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const end of heartbeats) end();
      data.disconnect();
      listener.disconnect();
    },
  };
}

/** What is asked in one turn goes to the server in one write: for as many callers as that is most of what a command costs. For one alone it would be a detour. */
function inOneWrite(redis: Redis, underWay: Pick<Deadlines, 'pending'>): <T>(command: () => T) => T {
  let isHeld = false;
  return (command) => {
    const { stream } = redis;
    if (!isHeld && underWay.pending > 0 && redis.status === 'ready') {
      isHeld = true;
      stream.cork();
      process.nextTick(() => {
        isHeld = false;
        stream.uncork();
      });
    }
    return command();
  };
}

interface TrackInput extends Pick<SharedLevelOptions, 'prefix' | 'onForget'> {
  readonly within: Deadlines['within'];
  readonly data: Redis;
  readonly listener: Redis;
  readonly failed: (error: unknown) => void;
}

/** Has the server tell `listener` of keys that others touch, anew whenever one of the two connects. */
function track({ data, within, listener, prefix, onForget, failed }: TrackInput) {
  let isTracked = false;
  let listenerId: number | undefined;
  const lose = (): void => {
    if (!isTracked) return;
    isTracked = false;
    onForget(undefined); // what happens from now on, nobody tells
  };
  const arm = async (): Promise<void> => {
    if (listenerId === undefined || data.status !== 'ready') return;
    const id = listenerId;
    await within(data.call('CLIENT', 'TRACKING', 'OFF')); // to be told elsewhere than before
    await within(data.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', prefix, 'NOLOOP'));
    if (id !== listenerId) return;
    onForget(undefined);
    isTracked = true;
  };
  const listen = async (): Promise<void> => {
    const id = Number(await listener.call('CLIENT', 'ID'));
    await listener.subscribe(channel);
    listenerId = id;
    await arm();
  };
  const begin = (connection: Redis, prepare: () => Promise<void>): void => {
    connection.on('error', failed);
    connection.on('close', lose);
    connection.on('ready', () => {
      prepare().catch((error: unknown) => {
        failed(error);
        if (!isRefusal(error)) reopen(connection); // and once more; a right that is missing is so the next time too
      });
    });
  };
  begin(data, arm);
  begin(listener, listen);
  listener.on('close', () => void (listenerId = undefined));
  listener.on('messageBuffer', (_: Buffer, said: unknown) => {
    if (said === null) return onForget(undefined); // FLUSHALL
    const keys = (Array.isArray(said) ? said : [said]).map(String); // one alone is from a process, also of another cache
    for (const key of keys) if (key.startsWith(prefix)) onForget(key.slice(prefix.length));
  });
  return {
    get isOn() {
      return isTracked;
    },
    lose,
  };
}

/** Connects in the background and for ever; a command on a connection that is not there fails at once. */
const connectionTo = ({ host, port, username, password, tls }: RedisServer) => ({
  host,
  port,
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
  ...(tls === undefined ? {} : { tls }),
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 2_000,
  retryStrategy: (attempt: number) => Math.min(100 * 2 ** Math.min(attempt, 5), 2_000),
});

function asJson(key: string, value: unknown): string | Error {
  try {
    const text = JSON.stringify(value) as string | undefined; // of a function or a symbol too there is none
    if (text !== undefined) return `{"value":${text}}`;
    return value === undefined ? '{}' : unheld(key);
  } catch (cause) {
    return unheld(key, { cause });
  }
}

const unheld = (key: string, options?: ErrorOptions): TypeError =>
  new TypeError(
    `saw a value of ${key} that JSON cannot hold; wanted one for Redis; next: it is kept in memory alone; load what JSON can hold`,
    options,
  );

/** Undefined: nothing is there, or what is no entry of ours. */
function parsed(text: string | null): Extract<SharedAnswer, { readonly result: 'hit' }> | undefined {
  if (text === null || text === '') return undefined;
  try {
    const entry: unknown = JSON.parse(text);
    if (typeof entry !== 'object' || entry === null) return undefined;
    return { result: 'hit', value: 'value' in entry ? entry.value : undefined };
  } catch {
    return undefined;
  }
}
