import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { adminPath } from '../../../operator/api/admin-request.ts';
import { readBody, type Answer } from './answer.ts';
import type { Service } from './service.ts';

export interface Servers extends AsyncDisposable {
  readonly port: number;
  readonly metricsPort: number;
  /** Not ready any more and no keep-alive, but who still comes is served. Resolves when nothing is in flight; after `drainMs` what is left is cut off. */
  drain(drainMs: number): Promise<void>;
}

interface ListenOptions {
  readonly port: number;
  readonly metricsPort: number;
}

/** The service on its port, with /healthz and /readyz; Prometheus metrics, and admin actions where there is a secret, on a port of their own. */
export async function listen(service: Service, { port, metricsPort }: ListenOptions): Promise<Servers> {
  let draining = false;
  const cutOff = new AbortController();
  const inFlight = new InFlight();
  const api = answering(async (request, response) => {
    if (request.url === '/healthz') return send(response, { status: 200, body: { status: 'alive' } });
    if (request.url === '/readyz') return send(response, readiness(draining));
    return inFlight.during(serve(service, request, response, { isDraining: () => draining, cutOff: cutOff.signal }));
  });
  const metrics = answering(async (request, response) => {
    if (request.url?.startsWith(adminPath)) return send(response, await askAdmin(service, request));
    if (request.url !== '/metrics') return send(response, { status: 404, body: { error: 'no such path' } });
    const page = await service.registry.metrics();
    response.setHeader('content-type', service.registry.contentType).end(page);
  });
  await using opened = new AsyncDisposableStack();
  for (const [server, wanted] of [
    [api, port],
    [metrics, metricsPort],
  ] as const) {
    server.listen(wanted);
    await once(server, 'listening');
    opened.defer(() => close(server));
  }
  const open = opened.move();
  return {
    port: portOf(api),
    metricsPort: portOf(metrics),
    async drain(drainMs) {
      draining = true;
      await Promise.race([inFlight.none(), delay(drainMs, undefined, { ref: false })]);
      cutOff.abort(shuttingDown());
      await close(api);
    },
    async [Symbol.asyncDispose]() {
      cutOff.abort(shuttingDown());
      await open.disposeAsync();
    },
  };
}

/** Signed requests alone; the others learn nothing. */
async function askAdmin({ admin }: Service, request: IncomingMessage) {
  const { method = '', url = '', headers } = request;
  if (admin === undefined) return { status: 404, body: { error: 'no such path' } };
  const body = await readBody(request);
  if (body === undefined) return { status: 413, body: { error: 'at most 64 KiB' } };
  return admin.answer({ method, path: url, headers, body });
}

function answering(listener: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Server {
  return createServer((request, response) => {
    listener(request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
}

interface Ending {
  readonly isDraining: () => boolean;
  readonly cutOff: AbortSignal;
}

async function serve(service: Service, request: IncomingMessage, response: ServerResponse, ending: Ending) {
  const started = performance.now();
  const gone = new AbortController();
  response.once('close', () => gone.abort(new DOMException('the client has gone', 'AbortError')));
  const answer = await service.answer(request, AbortSignal.any([gone.signal, ending.cutOff])).catch(failure);
  if (ending.isDraining()) response.setHeader('connection', 'close'); // a kept connection would pin its client to a Pod that goes, and hold up its end
  send(response, answer);
  service.count(request.method ?? 'GET', answer, (performance.now() - started) / 1000);
}

/** Knows when no request is being answered. */
class InFlight {
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  async during(answered: Promise<void>): Promise<void> {
    this.#count += 1;
    try {
      await answered;
    } finally {
      this.#count -= 1;
      if (this.#count === 0) for (const tell of this.#waiting.splice(0)) tell();
    }
  }

  async none(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#count === 0) return;
    this.#waiting.push(resolve);
    await promise;
  }
}

function shuttingDown(): DOMException {
  return new DOMException('shutting down', 'AbortError');
}

function failure(error: unknown): Answer {
  const message = Error.isError(error) ? error.message : String(error);
  if (error instanceof RangeError) return { status: 400, route: 'none', body: { error: message } };
  if (!Error.isError(error) || error.name !== 'AbortError') console.error(error);
  return { status: 500, route: 'none', body: { error: message } };
}

function readiness(draining: boolean) {
  return draining ? { status: 503, body: { status: 'draining' } } : { status: 200, body: { status: 'ready' } };
}

function send(response: ServerResponse, answer: Pick<Answer, 'status' | 'body' | 'cache' | 'retryAfterSeconds'>): void {
  response.statusCode = answer.status;
  response.setHeader('content-type', 'application/json');
  if (answer.cache !== undefined) response.setHeader('x-cache', answer.cache);
  if (answer.retryAfterSeconds !== undefined) response.setHeader('retry-after', answer.retryAfterSeconds);
  response.end(JSON.stringify(answer.body));
}

/** Idle connections are closed at once, busy ones after their answer. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  await closed;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
