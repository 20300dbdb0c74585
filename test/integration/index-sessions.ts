import { expect } from '@jest/globals';
import { Client } from 'pg';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { eventually } from '../world/eventually.ts';

/** A session of a test's own that keeps what it does open. */
export const session = (server: PostgresServer, ...statements: readonly string[]) =>
  sessionIn('postgres', server, ...statements);
export async function sessionIn(database: string, server: PostgresServer, ...statements: readonly string[]) {
  const client = new Client({
    host: server.host,
    port: server.port,
    user: 'postgres',
    database,
    application_name: 'report',
  });
  client.on('error', () => undefined);
  await client.connect();
  for (const sql of statements) await client.query(sql);
  return {
    client,
    pid: (client as Client & { readonly processID?: number }).processID ?? 0,
    [Symbol.asyncDispose]: () => client.end(),
  };
}
/** An older snapshot: every concurrent build of the database has to wait for its end. */
export const snapshot = ['BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1'] as const;

export const building = async (server: PostgresServer): Promise<string | undefined> =>
  (await server.query('SELECT phase FROM pg_stat_progress_create_index'))[0]?.['phase'] as string | undefined;
export const waiting = (server: PostgresServer) =>
  eventually(async () => expect(await building(server)).toBe('waiting for old snapshots'));
