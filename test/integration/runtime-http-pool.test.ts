import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { Request as UndiciRequest } from 'undici';
import type { RuntimeSettings } from '../../operator/api/runtime-settings.ts';
import { defaultSettings } from '../../operator/runtime/default-settings.ts';
import { openHttpPool } from '../../operator/runtime/http-pool.ts';
import { createSettings } from '../../operator/runtime/settings.ts';
import { eventually } from '../world/eventually.ts';
import { readAnew } from './read-anew.ts';

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

  test('lets who gives up go out of the queue at once, and never asks for them', async () => {
    const held: (() => void)[] = [];
    await using server = await counting((_, response) => void held.push(() => response.end('ok')));
    await using pool = openHttpPool(createSettings(httpWith({ connections: 1 })));
    const first = ask(pool, server.url);
    await eventually(() => expect(held).toHaveLength(1));
    const impatient = new AbortController();
    const others = Promise.allSettled(
      Array.from({ length: 10 }, () => pool.fetch(server.url, { signal: impatient.signal })),
    );
    await eventually(() => expect(pool.queued).toBe(10));
    impatient.abort(new Error('too late'));
    for (const one of await others) expect(one).toMatchObject({ reason: { message: 'too late' } });
    expect([pool.running, pool.queued]).toEqual([1, 0]);
    held[0]?.();
    expect(await first).toBe('ok');
    expect(held).toHaveLength(1);
  });

  test.each([
    ['of undici', UndiciRequest],
    ['of Node', Request],
  ])('takes a Request %s, and heeds its signal', async (_, Made) => {
    await using server = await counting((request, response) => {
      if (request.url === '/never') return;
      const { method, headers } = request;
      void text(request).then((body) => response.end([method, headers['x-of'], body].join(' ')));
    });
    await using pool = openHttpPool(createSettings(defaultSettings));
    const posted = new Made(server.url, { method: 'POST', headers: { 'x-of': 'test' }, body: 'hello' });
    expect(await (await pool.fetch(posted)).text()).toBe('POST test hello');
    const impatient = new AbortController();
    const left = pool.fetch(new Made(`${server.url}never`, { signal: impatient.signal }));
    await eventually(() => expect(pool.running).toBe(1));
    impatient.abort(new Error('too late'));
    await expect(left).rejects.toThrow('too late');
    await eventually(() => expect(pool.running).toBe(0));
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
    const settings = createSettings(httpWith({ keepAliveMs: 1_000 }));
    await using pool = openHttpPool(settings);
    await ask(pool, server.url);
    expect(server.connections).toBe(1);
    await eventually(() => expect(server.connections).toBe(0));
    settings.set(httpWith({ keepAliveMs: 0 })); // none is kept
    await ask(pool, server.url);
    await eventually(() => expect(server.connections).toBe(0));
  });
});

describe('the HTTP pool and where a host is', () => {
  test('asks for an address once in its time, which may change', async () => {
    await using server = await counting((_, response) => response.end('ok'));
    const url = server.url.replace('127.0.0.1', 'localhost');
    using lookups = lookupsOf('localhost');
    const settings = createSettings(defaultSettings);
    await using pool = openHttpPool(settings);
    for (let turn = 0; turn < 3; turn += 1) await ask(pool, url);
    await eventually(() => expect(lookups.count).toBe(1)); // it is told of a moment later
    settings.set(httpWith({ dnsTtlMs: 0 }));
    await eventually(async () => {
      await ask(pool, url);
      expect(lookups.count).toBeGreaterThan(3);
    });
  });

  test('gives up a connection that does not come about', async () => {
    await using deaf = await deafServer();
    await using pool = openHttpPool(createSettings(httpWith({ connectTimeoutMs: 100 })));
    const from = performance.now();
    const failure = await ask(pool, deaf.url).catch((error: Error) => error.cause);
    expect(failure).toMatchObject({ code: 'UND_ERR_CONNECT_TIMEOUT' });
    expect(performance.now() - from).toBeLessThan(8_000); // undici's own are 10 s
    await eventually(() => expect([pool.running, pool.queued]).toEqual([0, 0]));
  });
});

/** How often the process asks for the addresses of a host. */
function lookupsOf(hostname: string) {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as PerformanceEntry & { readonly detail?: { readonly hostname?: string } };
      if (entry.name === 'lookup' && detail?.hostname === hostname) count += 1;
    }
  });
  observer.observe({ entryTypes: ['dns'] });
  return {
    get count() {
      return count;
    },
    [Symbol.dispose]: () => observer.disconnect(),
  };
}

/** A server that takes no connection any more: its process stands still, and its backlog is full. */
async function deafServer() {
  const script = `const server = require('net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('fs').writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const fillers = Array.from({ length: 8 }, () => connect(Number(String(port)), '127.0.0.1'));
  for (const filler of fillers) filler.on('error', () => undefined);
  await once(fillers[0] ?? child, 'connect');
  return {
    url: `http://127.0.0.1:${String(port)}/`,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
