import { chmod, mkdtemp, rm } from 'node:fs/promises';
import {
  createServer,
  request,
  type Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { once } from 'node:events';
import { connect as connectHttp2, type IncomingHttpHeaders as Http2Headers } from 'node:http2';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { nginxCommand, type NginxVersion } from '../../hack/servers/nginx.ts';

/** A folder of its own with a program in it; workers that are `nobody` may pass through. */
export async function nginxFolder(version: NginxVersion) {
  const folder = await mkdtemp(join(tmpdir(), 'genops-agent-'));
  await chmod(folder, 0o755);
  const command = await nginxCommand(version, folder);
  return { folder, ...command, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

const nothing = (): void => undefined;
export const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** EndpointSlices take no loopback address: one of this machine's others. */
export function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal);
  if (found === undefined) throw new Error('this machine has no IPv4 address but loopback');
  return found.address;
}

/** What stands for a Pod of the workload. */
export async function backend(answer: RequestListener, port = 0) {
  const server = createServer({ keepAliveTimeout: 60_000 }, answer).listen(port, '0.0.0.0');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Stands for a Pod that has gone without a word: what would connect is not even refused. Its queue is full and nobody takes from it, so the kernel drops who comes. */
export async function silentPod() {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer();
     server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const [port] = (await once(worker, 'message')) as [number];
  const waiting = new Set<Socket>();
  const isTaken = async (): Promise<boolean> => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined); // it ends with the listener
    waiting.add(socket);
    await once(socket, 'connect', { signal: AbortSignal.timeout(500) }).catch(() => undefined);
    await setImmediate(); // after a stall the timer is heard before the connection
    return socket.readyState === 'open';
  };
  while (await isTaken());
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of waiting) socket.destroy();
      await worker.terminate();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request on a connection of its own, or on one that the agent of Node keeps. */
export async function ask(
  at: number | { readonly host: string; readonly port: number },
  path: string,
  {
    method = 'GET',
    headers = {},
    agent = false,
    body = '',
  }: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly agent?: Agent | false;
    readonly body?: string;
  } = {},
): Promise<Answer> {
  const where = typeof at === 'number' ? { host: '127.0.0.1', port: at } : at;
  const asked = request({ ...where, path, method, headers, agent, timeout: 10_000 });
  const response = once(asked, 'response') as Promise<[IncomingMessage]>;
  asked.end(body);
  const [incoming] = await response;
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: await text(incoming) };
}

/** One request over TLS and HTTP/2 to `localhost`, on a connection of its own. `:status` is the number. */
export async function askSecurely(
  { port, ca }: { readonly port: number; readonly ca: string },
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly headers: Http2Headers & { readonly ':status'?: number }; readonly body: string }> {
  const session = connectHttp2(`https://localhost:${port}`, { ca });
  try {
    const stream = session.request({ ':path': path, ...headers });
    const answered = once(stream, 'response') as Promise<[Http2Headers]>;
    const [received, body] = await Promise.all([answered, text(stream)]);
    return { headers: received[0], body };
  } finally {
    session.destroy();
  }
}

/** Asks again and again until it is disposed of, which a test that fails does too; what `asking` throws comes out then. */
export function keepAsking(asking: () => Promise<unknown>): AsyncDisposable {
  const stop = new AbortController();
  const asked = (async () => {
    while (!stop.signal.aborted) await asking();
  })();
  asked.catch(() => undefined); // it comes out below
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await asked;
    },
  };
}
