import { Pool, type PoolClient, type PoolConfig, type QueryResult, type QueryResultRow } from 'pg';
import type { RuntimeSettings } from '../api/runtime-settings.ts';
import { orAborted } from './aborted.ts';
import { isAnswer, lend, type Connection } from './lent-connection.ts';
import type { QueryMonitor } from './query-monitor.ts';
import { onSectionChange, type LiveSettings } from './settings.ts';
import { told } from './told.ts';

export interface PostgresPool extends AsyncDisposable {
  /** On one connection of the pool. The signal ends the wait for that connection, not the statement. */
  query<Row extends QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<QueryResult<Row>>;
  /**
   * One connection for several statements, a transaction say. It goes back when `work` ends, however that is: a transaction that is open then is rolled back. It is ended where a statement got no answer, or is under way when `work` throws an error of its own.
   * What is set for the session stays for who has it next (SET, LISTEN, an advisory lock, a temporary table): take SET LOCAL and its like.
   *
   * @throws What `work` throws; that `work` returned within a transaction; the signal's reason when it fires before there is a connection; when there is none within the time for one statement.
   */
  withConnection<T>(work: (connection: Connection) => Promise<T>, signal?: AbortSignal): Promise<T>;
  readonly total: number;
  readonly idle: number;
  /** Callers that wait for a connection, one that is being opened also. */
  readonly queued: number;
}

export interface PostgresPoolOptions {
  /** Where the server is, and as whom. */
  readonly server: Pick<PoolConfig, 'connectionString' | 'host' | 'port' | 'user' | 'password' | 'database' | 'ssl'>;
  readonly monitor?: QueryMonitor;
  /** A connection that was not lent has failed, or one of `min` could not be opened. */
  readonly onError?: (error: Error) => unknown;
}

/** A server that ends each connection at once is not asked for others without a pause. */
const refillMs = 1_000;
/** Time for a server that does not keep its own statement_timeout. */
const graceMs = 1_000;

/** The pool's own count has those too who have given up. */
function countedQueue() {
  let length = 0;
  return {
    async wait<T>(turn: Promise<T>): Promise<T> {
      length += 1;
      return turn.finally(() => (length -= 1));
    },
    get length() {
      return length;
    },
  };
}

/** Between `min` and `max` connections; each is replaced after `recycleAfterQueries`, or once it was opened with settings that are not in force any more. */
export function openPostgresPool(settings: LiveSettings, options: PostgresPoolOptions): PostgresPool {
  const { server, monitor, onError } = options;
  const configuration: PoolConfig = { ...server, ...limitsOf(settings.current.postgresPool) };
  const pool = new Pool(configuration);
  pool.on('error', (error) => told(onError, error));
  const queries = new WeakMap<PoolClient, number>();
  let opened = new WeakSet<PoolClient>(); // with the settings that are in force
  pool.on('connect', (client) => {
    opened.add(client);
    client.on('error', () => undefined); // of one that is lent: its statements are rejected, and with no listener it would end the process
  });
  const fill = keepMin(pool, () => settings.current.postgresPool, onError);
  const stopRefilling = refill(pool, fill);

  const mustGo = (client: PoolClient): boolean => {
    const { recycleAfterQueries, max } = settings.current.postgresPool;
    return (queries.get(client) ?? 0) >= recycleAfterQueries || !opened.has(client) || pool.totalCount > max;
  };
  const connectionOf = (client: PoolClient): Connection => ({
    async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) {
      queries.set(client, (queries.get(client) ?? 0) + 1);
      const started = performance.now();
      try {
        return await client.query<Row>({ text, values: [...values] });
      } finally {
        monitor?.note(text, performance.now() - started);
      }
    },
  });
  const queue = countedQueue();
  const withConnection: PostgresPool['withConnection'] = async (work, signal) => {
    const client = await queue.wait(connectionFrom(pool, signal));
    const lent = lend(client, connectionOf(client));
    let isUsable = false;
    try {
      const result = await work(lent.connection);
      const left = await lent.takeBack();
      ({ isUsable } = left);
      if (left.isOpen) throw new Error(leftOpen);
      return result;
    } catch (error) {
      // Who has thrown something of their own does not wait for a statement that nobody awaits: its connection goes.
      if (isAnswer(error) || lent.underWay === 0) ({ isUsable } = await lent.takeBack());
      throw error;
    } finally {
      const isGoing = !isUsable || mustGo(client);
      client.release(isGoing);
      if (isGoing) void fill();
    }
  };
  const unsubscribe = onSectionChange(settings, 'postgresPool', (postgresPool) => {
    Object.assign(pool.options, limitsOf(postgresPool));
    opened = new WeakSet();
    void replaceIdle(pool).then(fill);
  });
  void fill();
  return {
    withConnection,
    query: (text, values, signal) => withConnection((connection) => connection.query(text, values), signal),
    get total() {
      return pool.totalCount;
    },
    get idle() {
      return pool.idleCount;
    },
    get queued() {
      return queue.length;
    },
    async [Symbol.asyncDispose]() {
      unsubscribe();
      stopRefilling();
      await pool.end();
    },
  };
}

const limitsOf = ({ min, max, idleTimeoutMs, commandTimeoutMs }: RuntimeSettings['postgresPool']) => ({
  min,
  max,
  idleTimeoutMillis: idleTimeoutMs,
  connectionTimeoutMillis: commandTimeoutMs, // also for one that others have
  statement_timeout: commandTimeoutMs,
  query_timeout: commandTimeoutMs + graceMs,
});

/** For who has given up it goes back as soon as it is there. */
async function connectionFrom(pool: Pool, signal: AbortSignal | undefined): Promise<PoolClient> {
  signal?.throwIfAborted();
  const lent = pool.connect();
  try {
    return await orAborted(lent, signal);
  } catch (error) {
    lent.then(
      (client) => client.release(),
      () => undefined,
    );
    throw error;
  }
}

const leftOpen =
  'saw a transaction open when its work had ended, and rolled it back; wanted COMMIT or ROLLBACK before; next: await one within withConnection';

/** Also for those that the server, or what is between, has ended, and those that could not be opened before: looks a while after one goes or comes back. @returns Ends it. */
function refill(pool: Pool, fill: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  const later = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void fill();
    }, refillMs).unref();
  };
  pool.on('remove', later).on('release', later);
  return () => {
    pool.off('remove', later).off('release', later);
    clearTimeout(timer);
  };
}

/** Opens connections until there are `min`. A server that is away is told of, and tried again after the next query. */
function keepMin(pool: Pool, limits: () => Limits, onError: PostgresPoolOptions['onError']): () => Promise<void> {
  let isOpening = false;
  return async () => {
    if (isOpening) return;
    isOpening = true;
    let isAway = false;
    while (!isAway && !pool.ending && missing(pool, limits()) > 0) {
      // The pool lends those that are idle before it opens one.
      const wanted = pool.idleCount + missing(pool, limits());
      const lent = await Promise.allSettled(
        Array.from({ length: wanted }, async () => (await pool.connect()).release()),
      );
      for (const one of lent) if (one.status === 'rejected') told(onError, one.reason as Error);
      isAway = lent.some(({ status }) => status === 'rejected');
    }
    isOpening = false;
  };
}

type Limits = RuntimeSettings['postgresPool'];
const missing = (pool: Pool, { min, max }: Limits): number => Math.min(min, max) - pool.totalCount;

/** Those that nobody uses now; the others go when they come back. */
async function replaceIdle(pool: Pool): Promise<void> {
  const idle = await Promise.allSettled(Array.from({ length: pool.idleCount }, () => pool.connect()));
  for (const one of idle) if (one.status === 'fulfilled') one.value.release(true);
}
