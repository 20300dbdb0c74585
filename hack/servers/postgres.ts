import type { ChildProcess } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type QueryResultRow } from 'pg';
import { onFreePort } from './free-port.ts';
import { memoryFolder } from './memory-folder.ts';
import { postgresEnv, postgresUser, preparePostgres, type PostgresVersion } from './postgres-binary.ts';
import { launchServer, stopServer } from './process.ts';

export interface PostgresOptions {
  readonly version?: PostgresVersion;
  /** Lines of postgresql.conf, so that ALTER SYSTEM wins over them. Tests of a crash want `fsync: 'on'`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Settings as a container's arguments give them: they win over every file. */
  readonly commandLine?: Readonly<Record<string, string>>;
}

/** A real server of a test's own, in a folder of its own. Superuser `postgres` without a password, database `postgres`. */
export interface PostgresServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly version: PostgresVersion;
  readonly folder: string;
  pid(): number;
  /** As `postgres`, on a connection of its own; at most 10 s. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly QueryResultRow[]>;
  /** SIGQUIT: no checkpoint, clients cut off; the next start recovers from the log. */
  kill(): Promise<void>;
  /** Clients are cut off, what is committed is kept. */
  stop(): Promise<void>;
  /** The same port and data. */
  restart(): Promise<void>;
  log(): Promise<string>;
}

const host = '127.0.0.1';

/** Starts a server and waits until it answers. `await using` ends it and removes its folder. */
export async function startPostgres({
  version = '18',
  settings = {},
  commandLine = {},
}: PostgresOptions = {}): Promise<PostgresServer> {
  await using stack = new AsyncDisposableStack();
  const owned = (folder: string): string => {
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    return folder;
  };
  const folder = owned(await mkdtemp(join(tmpdir(), 'genops-postgres-')));
  await preparePostgres(version, folder, owned(await memoryFolder('postgres')));
  const server = await onFreePort((port) => startIn(folder, port, { version, settings, commandLine }));
  stack.defer(server.stop);
  const all = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function startIn(
  folder: string,
  port: number,
  { version, settings, commandLine }: Required<PostgresOptions>,
): Promise<Omit<PostgresServer, typeof Symbol.asyncDispose>> {
  await appendFile(join(folder, 'data/postgresql.conf'), configText({ ...settings, port: String(port) }));
  let child = await launch(folder, port, commandLine);
  const stop = () => stopServer(child, 10_000, 'SIGINT'); // SIGTERM would wait for the clients to leave
  return {
    host,
    port,
    version,
    folder,
    pid: () => child.pid ?? Number.NaN,
    query: (sql, values = []) => query(port, sql, values),
    kill: () => stopServer(child, 10_000, 'SIGQUIT'),
    stop,
    restart: async () => {
      await stop();
      child = await launch(folder, port, commandLine);
    },
    log: () => readFile(join(folder, 'server.log'), 'utf8'),
  };
}

function launch(folder: string, port: number, commandLine: Readonly<Record<string, string>>): Promise<ChildProcess> {
  return launchServer({
    binary: join(folder, 'program/bin/postgres'),
    args: [
      '-D',
      join(folder, 'data'),
      ...Object.entries(commandLine).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: folder,
    env: postgresEnv,
    logFile: join(folder, 'server.log'),
    ...(postgresUser === undefined ? {} : { user: postgresUser }),
    ready: () => query(port, 'SELECT 1', []),
  });
}

/** The last of two lines for one setting counts. */
function configText(settings: Readonly<Record<string, string>>): string {
  const all = { fsync: 'off', listen_addresses: host, unix_socket_directories: '', ...settings };
  return Object.entries(all)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join('');
}

async function query(port: number, sql: string, values: readonly unknown[]): Promise<readonly QueryResultRow[]> {
  const user = 'postgres';
  const client = new Client({ host, port, user, database: user, connectionTimeoutMillis: 5000, query_timeout: 10_000 });
  client.on('error', () => undefined); // the query's own rejection tells
  try {
    await client.connect();
    const { rows } = await client.query<QueryResultRow>(sql, [...values]);
    return rows;
  } finally {
    await client.end();
  }
}
