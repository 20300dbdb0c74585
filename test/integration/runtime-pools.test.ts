import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { startPostgres } from '../../hack/servers/postgres.ts';
import type { RuntimeSettings } from '../../operator/api/runtime-settings.ts';
import { openCpuPool } from '../../operator/runtime/cpu-pool.ts';
import { defaultSettings } from '../../operator/runtime/default-settings.ts';
import { openHttpPool } from '../../operator/runtime/http-pool.ts';
import { openPostgresPool } from '../../operator/runtime/postgres-pool.ts';
import { createQueryMonitor } from '../../operator/runtime/query-monitor.ts';
import { createSettings } from '../../operator/runtime/settings.ts';
import { eventually } from '../world/eventually.ts';

const postgresWith = (changes: Partial<RuntimeSettings['postgresPool']>): RuntimeSettings => ({
  ...defaultSettings,
  postgresPool: { ...defaultSettings.postgresPool, min: 0, ...changes },
});
/** As from the file: no object is the one that was there before. */
const readAnew = (next: RuntimeSettings) => JSON.parse(JSON.stringify(next)) as RuntimeSettings;
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

  test('ends a statement that takes too long, and goes on with what the server has refused', async () => {
    await using server = await startPostgres();
    const slow: unknown[] = [];
    const settings = createSettings(postgresWith({ max: 1, commandTimeoutMs: 300 }));
    const monitor = createQueryMonitor(
      createSettings({ ...settings.current, queryMonitor: { slowAboveMs: 200, maxStatements: 10 } }),
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

  test('waits for no connection longer than for a statement: of a server that says nothing, or that others have', async () => {
    await using silent = await takingOnly();
    const settings = createSettings(postgresWith({ max: 1, commandTimeoutMs: 300 }));
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
    const impatient = new AbortController();
    const left = pool.query(backend, [], impatient.signal);
    impatient.abort(new Error('too late'));
    await expect(left).rejects.toThrow('too late');
    await expect(pool.query(backend, [], impatient.signal)).rejects.toThrow('too late');
    gate.resolve();
    await held;
    expect((await pool.query(backend)).rows).toHaveLength(1);
    expect([pool.total, pool.idle, pool.queued]).toEqual([1, 1, 0]);
  });

  test('has another size and other time-outs without a restart', async () => {
    await using server = await startPostgres();
    const settings = createSettings(postgresWith({ min: 3, max: 3 }));
    await using pool = openPostgresPool(settings, { server: addressOf(server) });
    await eventually(() => expect(pool.idle).toBe(3));
    settings.set(postgresWith({ min: 0, max: 1, commandTimeoutMs: 100 }));
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
  });
});

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

/** A server of its own that counts connections and what it is asked at once. */
async function counting(answer: RequestListener) {
  const sockets = new Set<Socket>();
  let [running, most, opened] = [0, 0, 0];
  const server = createServer((request, response) => {
    running += 1;
    most = Math.max(most, running);
    response.once('close', () => (running -= 1));
    answer(request, response);
  });
  server.on('connection', (socket) => {
    opened += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get most() {
      return most;
    },
    get opened() {
      return opened;
    },
    get connections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const httpWith = (changes: Partial<RuntimeSettings['http']>): RuntimeSettings => ({
  ...defaultSettings,
  http: { ...defaultSettings.http, ...changes },
});
const ask = async (pool: ReturnType<typeof openHttpPool>, url: string) => (await pool.fetch(url)).text();

describe('the HTTP pool', () => {
  test('asks one host never more than 30 things at once, on connections that are used again', async () => {
    await using server = await counting((_, response) => setImmediate(() => response.end('ok')));
    await using pool = openHttpPool(createSettings(defaultSettings));
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask(pool, server.url)));
    expect(new Set(answers)).toEqual(new Set(['ok']));
    expect(server.most).toBeLessThanOrEqual(30);
    expect(server.opened).toBeLessThanOrEqual(30);
    expect([pool.running, pool.queued]).toEqual([0, 0]);
  });

  test('asks all hosts together never more than the limit in all, also after that was changed', async () => {
    const held: (() => void)[] = [];
    const hold: RequestListener = (_, response) => void held.push(() => response.end('ok'));
    await using first = await counting(hold);
    await using second = await counting(hold);
    const settings = createSettings(httpWith({ connections: 4, connectionsPerHost: 3 }));
    await using pool = openHttpPool(settings);
    const all = Promise.all([first, second].flatMap(({ url }) => Array.from({ length: 10 }, () => ask(pool, url))));
    await eventually(() => expect([pool.running, pool.queued]).toEqual([4, 16]));
    settings.set(httpWith({ connections: 6, connectionsPerHost: 3 }));
    await eventually(() => expect([pool.running, pool.queued]).toEqual([6, 14]));
    await eventually(() => {
      for (const end of held.splice(0)) end();
      expect([pool.running, pool.queued]).toEqual([0, 0]);
    });
    expect(new Set(await all)).toEqual(new Set(['ok']));
  });

  test('gives up a request after its time in all, waiting included, and gives its place back', async () => {
    await using server = await counting(() => undefined); // never answers
    const settings = createSettings(httpWith({ connections: 1, timeoutMs: 200 }));
    await using pool = openHttpPool(settings);
    const answers = await Promise.allSettled([ask(pool, server.url), ask(pool, server.url)]);
    expect(answers.map((one) => one.status === 'rejected' && (one.reason as Error).name)).toEqual([
      'TimeoutError',
      'TimeoutError',
    ]);
    await eventually(() => expect([pool.running, pool.queued]).toEqual([0, 0]));
  });

  test('asks on the same connection when something else was set', async () => {
    await using server = await counting((_, response) => response.end('ok'));
    const settings = createSettings(httpWith({ connectionsPerHost: 1 }));
    await using pool = openHttpPool(settings);
    await ask(pool, server.url);
    settings.set(readAnew({ ...settings.current, batch: { maxRequests: 3, maxWaitMs: 7 } }));
    await ask(pool, server.url);
    expect(server.opened).toBe(1);
  });

  test('closes a connection that was idle for long', async () => {
    await using server = await counting((_, response) => response.end('ok'));
    await using pool = openHttpPool(createSettings(httpWith({ keepAliveMs: 1_000 })));
    await ask(pool, server.url);
    expect(server.connections).toBe(1);
    await eventually(() => expect(server.connections).toBe(0));
  });
});

describe('the CPU pool', () => {
  const filename = new URL('./runtime-cpu-work.mjs', import.meta.url).href;
  const cpuWith = (cpuPool: RuntimeSettings['cpuPool']): RuntimeSettings => ({ ...defaultSettings, cpuPool });
  type Work = {
    readonly n: number | bigint | ReadonlyMap<string, number>;
    readonly fail?: boolean;
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
