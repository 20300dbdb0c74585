import type { Dispatcher } from 'undici';

import { refusal, unreachable, type Attempt } from './api-error.ts';
import type { ConnectOptions, RawRequest } from './client.ts';
import type { ClusterConfig } from './config.ts';
import { openDeadline } from './deadline.ts';
import { Transport } from './transport.ts';

type Response = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>;

/** JSON over HTTP to one API server: deadlines, and errors that say what failed. */
export class Http implements AsyncDisposable {
  readonly #server: string;
  readonly #transport: Transport;
  readonly #userAgent: string;
  readonly #timeoutMs: number;

  constructor(config: ClusterConfig, { userAgent, connections = 16, timeoutMs = 10_000 }: ConnectOptions) {
    this.#server = config.server;
    this.#userAgent = userAgent;
    this.#timeoutMs = timeoutMs;
    this.#transport = new Transport(config, { connections, connectTimeoutMs: Math.min(timeoutMs, 5000) });
  }

  /** The answer's body; undefined when it has none. */
  async send(request: RawRequest, signal: AbortSignal): Promise<unknown> {
    const attempt = attemptOf(request);
    using deadline = openDeadline(signal, this.#timeoutMs);
    try {
      const response = await this.#request('requests', request, deadline.signal);
      const text = await response.body.text();
      if (isSuccess(response)) return parse(text);
      throw this.#refusal(attempt, response, text);
    } catch (error) {
      throw this.#failure(attempt, error, signal, deadline.isOver);
    }
  }

  /** The answer's bytes as they come. The deadline is for its first byte; from then on only `signal` ends it. */
  async stream(request: Omit<RawRequest, 'body'>, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const attempt = attemptOf(request);
    const controller = new AbortController();
    const follow = () => controller.abort(signal.reason);
    signal.addEventListener('abort', follow, { once: true });
    if (signal.aborted) follow();
    using deadline = openDeadline(controller.signal, this.#timeoutMs);
    deadline.signal.addEventListener('abort', () => controller.abort(deadline.signal.reason), { once: true });
    try {
      const response = await this.#request('streams', request, controller.signal);
      response.body.once('close', () => signal.removeEventListener('abort', follow));
      if (isSuccess(response)) return response.body;
      throw this.#refusal(attempt, response, await response.body.text());
    } catch (error) {
      signal.removeEventListener('abort', follow);
      throw this.#failure(attempt, error, signal, deadline.isOver);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  async #request(use: 'requests' | 'streams', request: RawRequest, signal: AbortSignal): Promise<Response> {
    const { dispatcher, headers } = await this.#transport.dispatcher(use);
    return dispatcher.request({
      origin: this.#server,
      path: pathOf(request),
      method: request.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...bodyHeaders(request),
        'user-agent': this.#userAgent,
        ...headers,
        ...request.headers,
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal,
    });
  }

  #refusal(attempt: Attempt, { statusCode, headers }: Response, text: string): Error {
    if (statusCode === 401) this.#transport.forgetIdentity();
    const retryAfter = headers['retry-after'];
    return refusal(attempt, {
      status: statusCode,
      body: parseOrText(text),
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
    });
  }

  /** The caller's abort is the caller's own; what is left are refusals, and what kept an answer from coming. */
  #failure(attempt: Attempt, error: unknown, signal: AbortSignal, isTimeout: boolean): unknown {
    if (signal.aborted) return signal.reason;
    if (Error.isError(error) && error.name === 'ApiError') return error;
    return unreachable(attempt, this.#server, error, isTimeout);
  }
}

function attemptOf({ method = 'GET', verb = method.toLowerCase(), path, target = path }: RawRequest): Attempt {
  return { verb, target };
}

function isSuccess({ statusCode }: Response): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function bodyHeaders({ body }: RawRequest): Readonly<Record<string, string>> {
  return body === undefined ? {} : { 'content-type': 'application/json' };
}

function pathOf({ path, query = {} }: RawRequest): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

function parse(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text);
}

function parseOrText(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return text; // a proxy's HTML page, or plain text: it becomes part of the message
  }
}
