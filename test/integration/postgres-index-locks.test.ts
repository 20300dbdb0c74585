import { describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { creations, indexTuner, makeTables, wantedIndex } from './index-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

/** A transaction of somebody else that goes on. */
async function holding({ host, port }: PostgresServer, sql: string) {
  const client = new Client({ host, port, user: 'postgres', database: 'postgres', application_name: 'report' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN');
  await client.query(sql);
  return {
    pid: (client as Client & { readonly processID?: number }).processID ?? 0,
    end: () => client.query('COMMIT'),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('a table and a partition that somebody has locked whole hide nothing of another table, and who it is is told', async () => {
    await using server = await startTuned({ version, settings: { log_statement: 'all' } });
    await makeTables(server);
    for (const sql of [
      'CREATE TABLE others (size int)',
      'CREATE TABLE events (at date, status text) PARTITION BY RANGE (at)',
      "CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
      ...['others', 'events', 'events_old'].map((table) => `ALTER TABLE ${table} OWNER TO app`),
    ])
      await server.query(sql);
    const { visit } = indexTuner({ secret: secretOf(server) });
    const whole = { name: 'events_status', table: 'events', columns: [{ name: 'status' }] };
    const other = { name: 'others_size', table: 'others', columns: [{ name: 'size' }] };
    const plain = { name: 'workflows_size', table: 'workflows', columns: [{ name: 'size' }] };
    const declared = [wantedIndex, plain, whole];
    await eventually(async () => expect(await visit(declared)).toMatchObject({ reason: 'Applied' }));
    const before = (await creations(server)).length;

    await using holder = await holding(server, 'LOCK TABLE workflows, events_old');
    const said = await eventually(async () => {
      const visited = await visit([...declared, other]);
      const [hidden, ...seen] = visited.entry.indexes as readonly object[];
      expect(hidden).toMatchObject({ name: 'workflows_status_created', state: 'Missing' });
      expect(seen).toMatchObject([
        { name: 'workflows_size', state: 'Valid' },
        { name: 'events_status', state: 'Valid' },
        { name: 'others_size', state: 'Valid' },
      ]);
      return visited;
    });
    expect(said).toMatchObject({ status: 'False', reason: 'IndexBuilding', outcome: 'nothing' });
    expect(said.message).toContain(
      `saw public.workflows locked by pid ${holder.pid} of role postgres (report), which hides the conditions of its indexes`,
    );
    await holder.end();
    expect(await visit([...declared, other])).toMatchObject({ outcome: 'nothing', reason: 'Applied' });
    expect((await creations(server)).slice(before)).toEqual([expect.stringContaining('others_size')]);
  });
});
