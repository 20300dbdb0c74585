import { Agent, Dispatcher, fetch, interceptors, Request, type RequestInit, type Response } from 'undici';
import type { RuntimeSettings } from '../api/runtime-settings.ts';
import { onSectionChange, type LiveSettings } from './settings.ts';
import { createTurns, type Turns } from './turns.ts';

/** What `fetch` takes: a Request of undici, or the global one. */
type Asked = string | URL | Request | globalThis.Request;

export interface HttpPool extends AsyncDisposable {
  /** As everywhere, within the pool's limits and its time for a request in all, waiting included. Read or cancel each body: its connection is taken until then. */
  fetch(url: Asked, init?: Omit<RequestInit, 'dispatcher'>): Promise<Response>;
  /** Requests that may be under way, those that are, and those that wait for one of them to end. */
  readonly limit: number;
  readonly running: number;
  readonly queued: number;
}

/** Outgoing HTTP: at most `connections` requests at once, `connectionsPerHost` to one host; addresses are remembered for `dnsTtlMs`. */
export function openHttpPool(settings: LiveSettings): HttpPool {
  const turns = createTurns(settings.current.http.connections);
  let agent = agentOf(settings.current.http);
  const unsubscribe = onSectionChange(settings, 'http', (http) => {
    const before = agent;
    agent = agentOf(http);
    turns.limit = http.connections;
    void before.close(); // what is under way ends there
  });
  return {
    async fetch(asked, init = {}) {
      const request = typeof asked === 'string' || asked instanceof URL ? asked : ownRequest(asked);
      const given = init.signal === undefined && request instanceof Request ? request.signal : init.signal;
      const inTime = AbortSignal.timeout(settings.current.http.timeoutMs);
      const signal = given ? AbortSignal.any([given, inTime]) : inTime;
      return fetch(request, { ...init, signal, dispatcher: new InTurn(turns, { agent: () => agent, signal }) });
    },
    get limit() {
      return turns.limit;
    },
    get running() {
      return turns.running;
    },
    get queued() {
      return turns.queued;
    },
    async [Symbol.asyncDispose]() {
      unsubscribe();
      await agent.destroy();
    },
  };
}

function agentOf({ connectionsPerHost, dnsTtlMs, keepAliveMs, connectTimeoutMs }: RuntimeSettings['http']): Dispatcher {
  const agent = new Agent({
    connections: connectionsPerHost,
    pipelining: 1,
    allowH2: false, // many requests on one connection would pass by every limit
    keepAliveTimeout: Math.max(1, keepAliveMs), // undici takes no 0
    connect: { timeout: connectTimeoutMs },
  });
  return agent.compose(interceptors.dns({ maxTTL: dnsTtlMs }));
}

/** undici knows no Request but its own. */
const ownRequest = (request: Request | globalThis.Request): Request =>
  request instanceof Request ? request : new Request(request.url, request as unknown as RequestInit);

/** A request takes its turn when it is sent, by the agent that there is then, and gives it back with the end of its answer. */
class InTurn extends Dispatcher {
  readonly #turns: Turns;
  readonly #agent: () => Dispatcher;
  readonly #signal: AbortSignal;

  /** @param input.signal Of the one request that it is made for, and of its redirects: who gives up leaves the queue. */
  constructor(turns: Turns, { agent, signal }: { readonly agent: () => Dispatcher; readonly signal: AbortSignal }) {
    super();
    this.#turns = turns;
    this.#agent = agent;
    this.#signal = signal;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const sent = async (): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#agent().dispatch(options, givingBack(handler, resolve));
      await promise;
    };
    const failed = (error: Error): void => handler.onResponseError?.(neverBegun, error); // undici tells it so itself, all but always
    this.#turns.run(sent, this.#signal).catch(failed);
    return true;
  }
}

/** What undici gives, too, for what has failed before there was anything to control. */
const neverBegun = null as unknown as Dispatcher.DispatchController;

const givingBack = (handler: Dispatcher.DispatchHandler, giveBack: () => void): Dispatcher.DispatchHandler => ({
  onRequestStart: (...all) => handler.onRequestStart?.(...all),
  onResponseStart: (...all) => handler.onResponseStart?.(...all),
  onResponseData: (...all) => handler.onResponseData?.(...all),
  onRequestUpgrade(...all) {
    giveBack(); // it is no request any more
    handler.onRequestUpgrade?.(...all);
  },
  onResponseEnd(...all) {
    giveBack();
    handler.onResponseEnd?.(...all);
  },
  onResponseError(...all) {
    giveBack();
    handler.onResponseError?.(...all);
  },
});
