import { chown, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { debianPackages } from './debian.ts';
import { onFreePort } from './free-port.ts';
import { postgresUser } from './postgres-binary.ts';
import type { PostgresServer } from './postgres.ts';
import { launchServer, stopServer } from './process.ts';

/** A real PgBouncer of a test's own, in a folder of its own. */
export interface Pgbouncer extends AsyncDisposable {
  readonly port: number;
}

const host = '127.0.0.1';

/** Transaction pooling before one server, for users that log in with nothing and reach it as themselves. `await using` ends it and removes its folder. */
export async function startPgbouncer(server: Pick<PostgresServer, 'host' | 'port'>): Promise<Pgbouncer> {
  const root = await debianPackages('pgbouncer', ['pgbouncer', 'libevent-2.1-7', 'libc-ares2']);
  const folder = await mkdtemp(join(tmpdir(), 'genops-pgbouncer-'));
  const libraries = ['libevent-2.1.so.7', 'libcares.so.2'];
  try {
    // It refuses root, and nobody else may enter root's cache: so a copy.
    await copyFile(join(root, 'usr/sbin/pgbouncer'), join(folder, 'pgbouncer'));
    for (const name of libraries) await copyFile(join(root, 'usr/lib/x86_64-linux-gnu', name), join(folder, name));
    if (postgresUser !== undefined) await chown(folder, postgresUser.uid, postgresUser.gid);
    return await onFreePort((port) => startIn(folder, port, server));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(
  folder: string,
  port: number,
  server: Pick<PostgresServer, 'host' | 'port'>,
): Promise<Pgbouncer> {
  const settings = `listen_addr = ${host}\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n`;
  const config = `[databases]\n* = host=${server.host} port=${server.port} user=genops\n[pgbouncer]\n${settings}`;
  await writeFile(join(folder, 'pgbouncer.ini'), config);
  const child = await launchServer({
    binary: join(folder, 'pgbouncer'),
    args: [join(folder, 'pgbouncer.ini')],
    cwd: folder,
    env: { LD_LIBRARY_PATH: folder },
    logFile: join(folder, 'server.log'),
    ...(postgresUser === undefined ? {} : { user: postgresUser }),
    ready: () => answers(port),
  });
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      await stopServer(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<void> {
  const client = new Client({ host, port, user: 'genops', database: 'postgres', connectionTimeoutMillis: 1000 });
  client.on('error', () => undefined); // the query's own rejection tells
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}
