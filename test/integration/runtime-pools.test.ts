import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startPostgres, type PostgresServer } from '../../hack/servers/postgres.ts';
import type { RuntimeSettings } from '../../operator/api/runtime-settings.ts';
import { openCpuPool } from '../../operator/runtime/cpu-pool.ts';
import { defaultSettings } from '../../operator/runtime/default-settings.ts';
import { openPostgresPool } from '../../operator/runtime/postgres-pool.ts';
import { createQueryMonitor } from '../../operator/runtime/query-monitor.ts';
import { createSettings } from '../../operator/runtime/settings.ts';
import { eventually } from '../world/eventually.ts';
import { readAnew } from './read-anew.ts';

const postgresWith = (changes: Partial<RuntimeSettings['postgresPool']>): RuntimeSettings => ({
  ...defaultSettings,
  postgresPool: { ...defaultSettings.postgresPool, min: 0, ...changes },
});
const backend = 'SELECT pg_backend_pid() AS pid';

describe('the PostgreSQL pool', () => {
  test('opens 5 connections and never more than 20: the 21st caller waits', async () => {
    await using server = await startPostgres();
    await using pool = openPostgresPool(createSettings(defaultSettings), { server: { ...addressOf(server) } });
    await eventually(() => expect([pool.total, pool.idle]).toEqual([5, 5]));
    const gate = Promise.withResolvers<void>();
    const all = Array.from({ length: 21 }, () => pool.withConnection(() => gate.promise));
    await eventually(() => expect([pool.total, pool.queued]).toEqual([20, 1]));
    const seen = await server.query("SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'");
    gate.resolve();
    await Promise.all(all);
    expect(seen).toEqual([{ count: 21 }]); // and the one that asks
  });

  // The default of 50 000 is shown by make bench-runtime: so many real queries take four seconds of a core.
  test('asks the query after the last of a connection on a new one', async () => {
    await using server = await startPostgres();
    await using pool = openPostgresPool(createSettings(postgresWith({ max: 1, recycleAfterQueries: 100 })), {
      server: addressOf(server),
    });
    const pids = [];
    for (let query = 0; query < 101; query += 1) pids.push((await pool.query<{ pid: number }>(backend)).rows[0]?.pid);
    expect(new Set(pids.slice(0, 100)).size).toBe(1);
    expect(pids[100]).not.toBe(pids[0]);
  });

  test('keeps its least number of connections while they are replaced', async () => {
    await using server = await startPostgres();
    await using pool = openPostgresPool(createSettings(postgresWith({ min: 3, recycleAfterQueries: 1 })), {
      server: addressOf(server),
    });
    await eventually(() => expect(pool.idle).toBe(3));
    for (let query = 0; query < 4; query += 1) {
      await pool.query(backend);
      await eventually(() => expect([pool.total, pool.idle]).toEqual([3, 3]), { withinMs: 5_000 });
    }
    await Promise.all(Array.from({ length: 3 }, () => pool.query(backend)));
    await eventually(() => expect([pool.total, pool.idle]).toEqual([3, 3]), { withinMs: 5_000 });
  });

  test('has its least number of connections again when the server has ended them, and nobody asks anything', async () => {
    await using server = await startPostgres();
    await using pool = openPostgresPool(createSettings(postgresWith({ min: 3 })), { server: addressOf(server) });
    await eventually(() => expect(pool.idle).toBe(3));
    const { rows } = await pool.query<{ pid: number }>(backend);
    await server.query(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    await eventually(async () => expect(await backends(server)).toHaveLength(3));
    await eventually(() => expect([pool.total, pool.idle]).toEqual([3, 3]));
    expect(await backends(server)).not.toContainEqual(rows[0]);
  });

  test('ends a statement that takes too long, and goes on with what the server has refused', async () => {
    await using server = await startPostgres();
    const slow: unknown[] = [];
    const settings = createSettings(postgresWith({ max: 1, commandTimeoutMs: 1_500 }));
    const monitor = createQueryMonitor(
      createSettings({ ...settings.current, queryMonitor: { slowAboveMs: 1_000, maxStatements: 10 } }),
      { onSlow: ({ statement }) => slow.push(statement) },
    );
    await using pool = openPostgresPool(settings, { server: addressOf(server), monitor });
    const { rows } = await pool.query<{ pid: number }>(backend);
    await expect(pool.query('SELECT pg_sleep(10)')).rejects.toThrow('statement timeout');
    await expect(pool.query('SELECT nonsense')).rejects.toThrow('nonsense');
    expect((await pool.query<{ pid: number }>(backend)).rows).toEqual(rows); // one that answers is as good as before
    expect(slow).toEqual(['SELECT pg_sleep(?)']);
    expect(monitor.statistics().find(({ statement }) => statement === backend)).toMatchObject({ count: 2 });
  });

  test('hands on no transaction: what is left open is rolled back, and told to who takes it for done', async () => {
    await using server = await startPostgres();
    await using pool = openPostgresPool(createSettings(postgresWith({ max: 1 })), { server: addressOf(server) });
    const { rows } = await pool.query<{ pid: number }>(backend);
    await pool.query('CREATE TABLE item (n integer)');
    const refused = pool.withConnection(async (connection) => {
      await connection.query('BEGIN');
      await connection.query('INSERT INTO item VALUES (1)');
      await connection.query('SELECT nonsense');
    });
    await expect(refused).rejects.toThrow('nonsense');
    await pool.query('INSERT INTO item VALUES (2)');
    const forgotten = pool.withConnection(async (connection) => {
      await connection.query('BEGIN');
      await connection.query('INSERT INTO item VALUES ($1)', [3]);
    });
    await expect(forgotten).rejects.toThrow('saw a transaction open');
    await pool.query('INSERT INTO item VALUES (4)');
    await pool.withConnection(async (connection) => {
      await connection.query('BEGIN');
      await expect(connection.query('SELECT nonsense')).rejects.toThrow('nonsense');
      await connection.query('ROLLBACK');
    });
    await expect(pool.query('BEGIN')).rejects.toThrow('saw a transaction open');
    expect(await server.query('SELECT n FROM item ORDER BY n')).toEqual([{ n: 2 }, { n: 4 }]);
    expect((await pool.query(backend)).rows).toEqual(rows); // all on one connection
  });

  test('keeps a connection whose work throws an error of its own, and rolls back what that left open', async () => {
    await using server = await startPostgres();
    await using pool = openPostgresPool(createSettings(postgresWith({ max: 1 })), { server: addressOf(server) });
    await pool.query('CREATE TABLE item (n integer)');
    const { rows } = await pool.query(backend);
    for (const first of ['SELECT 1', 'BEGIN', 'SELECT nonsense'])
      await expect(
        pool.withConnection(async (connection) => {
          await connection.query(first).catch(() => undefined);
          await connection.query('INSERT INTO item VALUES (1)');
          throw new Error('NotFound');
        }),
      ).rejects.toThrow('NotFound');
    expect((await pool.query(backend)).rows).toEqual(rows);
    expect(await server.query('SELECT n FROM item')).toEqual([{ n: 1 }, { n: 1 }]); // not that of the transaction
  });

  test('keeps no connection whose statement got no answer, or is under way when its work throws', async () => {
    await using server = await startPostgres();
    const settings = createSettings(postgresWith({ max: 1, commandTimeoutMs: 1_500 }));
    await using pool = openPostgresPool(settings, { server: addressOf(server) });
    const hidden = pool.withConnection(async (connection) => {
      await connection.query('SET statement_timeout = 0');
      await connection.query('SELECT pg_sleep(10)').catch(() => undefined); // what we have waited for in vain
      return connection.query(backend).catch(() => 'gone');
    });
    const left = async (): Promise<unknown> => (await pool.query(backend)).rows[0];
    await hidden;
    const before = await left();
    const thrown = pool.withConnection((connection) => {
      connection.query('SELECT pg_sleep(10)').catch(() => undefined);
      return Promise.reject(new Error('NotFound'));
    });
    await expect(thrown).rejects.toThrow('NotFound');
    expect(await left()).not.toEqual(before);
  });

  test('waits for what its work has not awaited, and lends the connection to nobody twice', async () => {
    await using server = await startPostgres();
    await using pool = openPostgresPool(createSettings(postgresWith({ max: 1 })), { server: addressOf(server) });
    const late: Promise<unknown>[] = [];
    const kept = await pool.withConnection(async (connection) => {
      await connection.query('CREATE TABLE item (n integer)');
      late.push(connection.query('INSERT INTO item SELECT 1 FROM pg_sleep(0.1)'));
      return connection;
    });
    expect(await server.query('SELECT n FROM item')).toEqual([{ n: 1 }]);
    await Promise.all(late);
    await expect(kept.query(backend)).rejects.toThrow('saw a query on a connection that has gone back');
  });

  test('goes on where the server ends a connection while it is lent', async () => {
    await using server = await startPostgres();
    await using pool = openPostgresPool(createSettings(postgresWith({ max: 1 })), { server: addressOf(server) });
    const answered = await pool.withConnection(async (connection) => {
      const { rows } = await connection.query<{ pid: number }>(backend);
      await server.query(`SELECT pg_terminate_backend(${rows[0]?.pid}, 5000)`);
      await pause(100); // nothing is asked meanwhile, so nobody but the pool hears of it
      return 'elsewhere';
    });
    expect(answered).toBe('elsewhere');
    expect((await pool.query(backend)).rows).toHaveLength(1);
  });

  test('waits for no connection longer than for a statement: of a server that says nothing, or that others have', async () => {
    await using silent = await takingOnly();
    const settings = createSettings(postgresWith({ max: 1, commandTimeoutMs: 1_500 }));
    await using hanging = openPostgresPool(settings, { server: addressOf(silent) });
    await expect(hanging.query(backend)).rejects.toThrow('timeout');
    await using server = await startPostgres();
    await using pool = openPostgresPool(settings, { server: addressOf(server) });
    const gate = Promise.withResolvers<void>();
    const held = pool.withConnection(() => gate.promise);
    await expect(pool.query(backend)).rejects.toThrow('timeout');
    gate.resolve();
    await held;
    expect((await pool.query(backend)).rows).toHaveLength(1);
  });

  test('lets who gives up go at once, and has the connection for the next', async () => {
    await using server = await startPostgres();
    await using pool = openPostgresPool(createSettings(postgresWith({ max: 1 })), { server: addressOf(server) });
    const gate = Promise.withResolvers<void>();
    const held = pool.withConnection(() => gate.promise);
    await eventually(() => expect([pool.total, pool.queued]).toEqual([1, 0]));
    const impatient = new AbortController();
    const left = pool.query(backend, [], impatient.signal);
    expect(pool.queued).toBe(1);
    impatient.abort(new Error('too late'));
    await expect(left).rejects.toThrow('too late');
    await expect(pool.query(backend, [], impatient.signal)).rejects.toThrow('too late');
    const { queued } = pool;
    gate.resolve();
    await held;
    expect(queued).toBe(0);
    expect((await pool.query(backend)).rows).toHaveLength(1);
    expect([pool.total, pool.idle, pool.queued]).toEqual([1, 1, 0]);
  });

  test('has another size and other time-outs without a restart', async () => {
    await using server = await startPostgres();
    const settings = createSettings(postgresWith({ min: 3, max: 3 }));
    await using pool = openPostgresPool(settings, { server: addressOf(server) });
    await eventually(() => expect(pool.idle).toBe(3));
    settings.set(postgresWith({ min: 0, max: 1, commandTimeoutMs: 1_500 }));
    await eventually(() => expect(pool.total).toBeLessThanOrEqual(1));
    await expect(pool.query('SELECT pg_sleep(10)')).rejects.toThrow('statement timeout');
    settings.set(postgresWith({ min: 6, max: 8 }));
    await eventually(() => expect(pool.total).toBe(6));
  });

  test('keeps its connections when something else is set', async () => {
    await using server = await startPostgres();
    const settings = createSettings(postgresWith({ max: 1 }));
    await using pool = openPostgresPool(settings, { server: addressOf(server) });
    const { rows } = await pool.query(backend);
    settings.set(readAnew({ ...settings.current, batch: { maxRequests: 3, maxWaitMs: 7 } }));
    expect((await pool.query(backend)).rows).toEqual(rows);
  });

  test('works again when a server that was cut off is back', async () => {
    await using server = await startPostgres();
    const errors: Error[] = [];
    await using pool = openPostgresPool(createSettings(defaultSettings), {
      server: addressOf(server),
      onError: (error) => errors.push(error),
    });
    await pool.query(backend);
    await server.kill();
    await eventually(() => expect(errors.length).toBeGreaterThan(0));
    await expect(pool.query(backend)).rejects.toThrow();
    await server.restart();
    await eventually(async () => expect((await pool.query(backend)).rows).toHaveLength(1));
    await eventually(() => expect(pool.idle).toBe(5)); // the least number again
  });
});

/** Of others than the one that asks. */
const backends = async (server: PostgresServer): Promise<readonly unknown[]> =>
  server.query(
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid",
  );

const addressOf = ({ host, port }: { readonly host: string; readonly port: number }) => ({
  host,
  port,
  user: 'postgres',
  database: 'postgres',
});

/** A server that takes connections and never says a word. */
async function takingOnly() {
  const server = createTcpServer((socket) => void socket.resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the CPU pool', () => {
  const filename = new URL('./runtime-cpu-work.mjs', import.meta.url).href;
  const cpuWith = (cpuPool: RuntimeSettings['cpuPool']): RuntimeSettings => ({ ...defaultSettings, cpuPool });
  type Work = {
    readonly n: number | bigint | ReadonlyMap<string, number>;
    readonly fail?: boolean;
    readonly unsendable?: boolean;
    readonly gate?: Int32Array;
    readonly shared?: SharedArrayBuffer;
  };

  test('computes on threads, remembers results, and has other sizes without a restart', async () => {
    const settings = createSettings(cpuWith({ threads: 2, memoEntries: 3 }));
    await using pool = openCpuPool<Work, { readonly result: number; readonly thread: number; readonly at: number }>(
      settings,
      { filename },
    );
    const results = await Promise.all(Array.from({ length: 8 }, (_, n) => pool.run({ n })));
    expect(results.map(({ result }) => result)).toEqual([0, 1, 4, 9, 16, 25, 36, 49]);
    expect(results.every(({ thread }) => thread > 0)).toBe(true); // not the main one
    expect(new Set(results.map(({ thread }) => thread)).size).toBeLessThanOrEqual(2);
    expect(pool.remembered).toBe(3);
    const last = await pool.run({ n: 7 });
    expect(await pool.run({ n: 7 })).toEqual(last); // the very same, with its time
    settings.set(cpuWith({ threads: 1, memoEntries: 0 }));
    expect(pool.threads).toBe(1);
    expect((await pool.run({ n: 7 })).at).not.toBe(last.at);
    expect(pool.remembered).toBe(0);
  });

  test('throws what the work throws, does not remember it, and heeds a signal', async () => {
    await using pool = openCpuPool<Work, unknown>(createSettings(cpuWith({ threads: 1, memoEntries: 9 })), {
      filename,
    });
    await expect(pool.run({ n: 1, fail: true })).rejects.toThrow('told to fail');
    await expect(pool.run({ n: 1, unsendable: true })).rejects.toThrow('() => n could not be cloned');
    await expect(pool.run({ n: 1, unsendable: true })).rejects.toThrow(TypeError); // on the thread that took its place
    expect(pool.remembered).toBe(0);
    await expect(pool.run({ n: 1 }, AbortSignal.abort())).rejects.toThrow();
    expect(await pool.run({ n: 2 })).toMatchObject({ result: 4 });
  });

  test('tells tasks apart by all that a thread is given', async () => {
    await using pool = openCpuPool<Work, unknown>(createSettings(cpuWith({ threads: 1, memoEntries: 9 })), {
      filename,
    });
    expect(await pool.run({ n: new Map([['n', 2]]) })).toMatchObject({ result: 4 });
    expect(await pool.run({ n: new Map([['n', 3]]) })).toMatchObject({ result: 9 });
    expect(await pool.run({ n: 3n })).toMatchObject({ result: 9n });
    expect(pool.remembered).toBe(3);
    expect(await pool.run({ n: 4, shared: new SharedArrayBuffer(4) })).toMatchObject({ result: 16 });
    expect(pool.remembered).toBe(3); // what is in shared memory may be another the next time
  });

  test('runs nothing any more once it has been disposed of, and answers nothing that it remembers', async () => {
    const pool = openCpuPool<Work, unknown>(createSettings(cpuWith({ threads: 1, memoEntries: 9 })), { filename });
    expect(await pool.run({ n: 2 })).toMatchObject({ result: 4 });
    await pool[Symbol.asyncDispose]();
    for (const n of [2, 3]) await expect(pool.run({ n })).rejects.toThrow('a CPU pool that has been disposed of');
  });

  test('ends on the threads that there were what was asked before the settings changed', async () => {
    const settings = createSettings(cpuWith({ threads: 2, memoEntries: 0 }));
    await using pool = openCpuPool<Work, { readonly result: number }>(settings, { filename });
    const gates = [1, 2].map(() => new Int32Array(new SharedArrayBuffer(4)));
    const all = Promise.all([
      ...gates.map((gate, index) => pool.run({ n: index + 1, gate })),
      pool.run({ n: 3 }),
      pool.run({ n: 4 }),
    ]);
    await eventually(() => expect(pool.queued).toBe(2));
    settings.set(cpuWith({ threads: 1, memoEntries: 0 }));
    expect(await pool.run({ n: 5 })).toMatchObject({ result: 25 });
    for (const gate of gates) {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    }
    expect((await all).map(({ result }) => result)).toEqual([1, 4, 9, 16]);
  });
});
