import { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Client, type ClientConfig, type QueryResultRow } from 'pg';
import { Problem } from '../../api/problem.ts';
import { unknownOutside } from '../outside.ts';
import type { PostgresAddress } from './address.ts';
import { serverProblem, withoutSecrets } from './server-error.ts';

/** One session on one server, spoken to directly. `await using` closes it. */
export interface PostgresConnection extends AsyncDisposable {
  /** `host:port`, for messages. */
  readonly label: string;
  /**
   * One statement, its values as bound parameters.
   *
   * @throws the server's or the network's own error, without secrets: `serverProblem` says what it means. Unanswered after 1.5 s.
   */
  query<Row extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

const answerWithinMs = 1500;
const closeWithinMs = 300;

export interface SessionOptions {
  /** As what it is seen in pg_stat_activity. */
  readonly application?: string;
  /** For one statement that may take hours: once it is connected no time is up, and it does not keep the process alive. */
  readonly isPatient?: boolean;
}

/**
 * Whatever schemas the role or the database puts first: nobody's function or operator stands in for the server's own.
 * A statement on the catalogues that takes 2 ms is estimated at a cost for which a server would compile it first, for seconds.
 * `jit` itself is one of the parameters that we look at: set here, it would no longer tell where its value comes from.
 */
const pinned = `SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false), pg_catalog.set_config('statement_timeout', '${answerWithinMs}', false),
  pg_catalog.set_config('jit_expressions', 'off', false)`;

/**
 * Connects, logs in, and makes sure that no pooler stands in between.
 *
 * @throws {Problem} Unreachable, AuthenticationFailed, Busy, PoolerInBetween, …
 */
export async function connectPostgres(
  address: PostgresAddress,
  signal: AbortSignal,
  options: SessionOptions = {},
): Promise<PostgresConnection> {
  signal.throwIfAborted();
  const socket = new Socket(); // ours, so that it can be cut at any moment; the client connects it
  const client = new Client(configOf(address, socket, options));
  client.on('error', () => undefined); // the query's own rejection tells
  const abort = () => void socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  const connection: PostgresConnection = {
    label: address.label,
    query: async <Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []) => {
      try {
        return (await client.query<Row>(sql, [...values])).rows;
      } catch (error) {
        throw plain(error, address);
      }
    },
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener('abort', abort);
      await Promise.race([client.end().catch(() => undefined), setTimeout(closeWithinMs, undefined, { ref: false })]);
      socket.destroy(); // what has not said goodbye by now hangs
    },
  };
  try {
    await client.connect();
    await withoutPooler(client, connection);
    await connection.query(pinned);
    if (options.isPatient === true) socket.unref();
    return connection;
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    signal.throwIfAborted();
    const cause = plain(error, address);
    throw unknownOutside(cause, address, process.env) ?? serverProblem(cause, address.label);
  }
}

const plain = (error: unknown, { password }: PostgresAddress): unknown =>
  Error.isError(error) && error.name !== 'Problem'
    ? withoutSecrets(error, password === undefined ? [] : [password])
    : error;

/** Nothing is left to the library's own sources: neither PG* of the environment nor ~/.pgpass is asked. */
function configOf(
  { host, port, user, password, database, tls }: PostgresAddress,
  socket: Socket,
  { application = 'genops', isPatient = false }: SessionOptions,
): ClientConfig {
  const ssl = tls && {
    ...(tls.ca && { ca: tls.ca }),
    ...(tls.cert && { cert: tls.cert }),
    ...(tls.key && { key: tls.key }),
    ...(tls.servername !== undefined && { servername: tls.servername }),
    rejectUnauthorized: tls.verify !== 'Nobody',
    ...(tls.verify === 'Host' ? {} : { checkServerIdentity: () => undefined }),
  };
  return {
    host,
    port,
    user,
    database,
    password: () => password ?? '',
    ssl: ssl ?? false,
    stream: () => socket,
    connectionTimeoutMillis: answerWithinMs,
    ...(isPatient ? { keepAlive: true, keepAliveInitialDelayMillis: 30_000 } : { query_timeout: answerWithinMs }),
    application_name: application,
  };
}

/** Behind a pooler the server process is another than the one that logged us in, and what a session sets is set for whoever comes next. */
async function withoutPooler(client: Client, connection: PostgresConnection): Promise<void> {
  const [row] = await connection.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
  const { processID } = client as Client & { readonly processID?: number };
  if (processID === row?.pid) return;
  throw new Problem('PoolerInBetween', {
    saw: `a pooler at ${connection.label}`,
    wanted: 'a direct connection to the server',
    next: 'put the address of the server itself into the Secret; spec.postgres[].pooler has how many connections the pooler may open',
  });
}
