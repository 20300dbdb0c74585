import { Agent, Dispatcher, fetch, interceptors, type RequestInfo, type RequestInit, type Response } from 'undici';
import type { RuntimeSettings } from '../api/runtime-settings.ts';
import { onSectionChange, type LiveSettings } from './settings.ts';
import { createTurns, type Turns } from './turns.ts';

export interface HttpPool extends AsyncDisposable {
  /** As everywhere, within the pool's limits and its time for a request in all, waiting included. Read or cancel each body: its connection is taken until then. */
  fetch(url: RequestInfo, init?: Omit<RequestInit, 'dispatcher'>): Promise<Response>;
  /** Requests that may be under way, those that are, and those that wait for one of them to end. */
  readonly limit: number;
  readonly running: number;
  readonly queued: number;
}

/** Outgoing HTTP: at most `connections` requests at once, `connectionsPerHost` to one host; addresses are remembered for `dnsTtlMs`. */
export function openHttpPool(settings: LiveSettings): HttpPool {
  const turns = createTurns(settings.current.http.connections);
  let agent = agentOf(settings.current.http);
  const dispatcher = new InTurn(turns, () => agent);
  const unsubscribe = onSectionChange(settings, 'http', (http) => {
    const before = agent;
    agent = agentOf(http);
    turns.limit = http.connections;
    void before.close(); // what is under way ends there
  });
  return {
    async fetch(url, { signal, ...init } = {}) {
      const inTime = AbortSignal.timeout(settings.current.http.timeoutMs);
      return fetch(url, { ...init, dispatcher, signal: signal ? AbortSignal.any([signal, inTime]) : inTime });
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

/** A request takes its turn when it is sent, by the agent that there is then, and gives it back with the end of its answer. */
class InTurn extends Dispatcher {
  readonly #turns: Turns;
  readonly #agent: () => Dispatcher;

  constructor(turns: Turns, agent: () => Dispatcher) {
    super();
    this.#turns = turns;
    this.#agent = agent;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const sent = async (): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#agent().dispatch(options, givingBack(handler, resolve));
      await promise;
    };
    const failed = (error: Error): void => handler.onResponseError?.(neverBegun, error); // undici tells it so itself, all but always
    this.#turns.run(sent).catch(failed);
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
