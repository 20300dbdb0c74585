import { Agent, Dispatcher, fetch, interceptors, type RequestInfo, type RequestInit, type Response } from 'undici';
import type { RuntimeSettings } from '../api/runtime-settings.ts';
import { onSectionChange, type LiveSettings } from './settings.ts';

export interface HttpPool extends AsyncDisposable {
  /** As everywhere, within the pool's limits and its time for a request in all, waiting included. Read or cancel each body: its connection is taken until then. */
  fetch(url: RequestInfo, init?: Omit<RequestInit, 'dispatcher'>): Promise<Response>;
  /** Requests under way, and those that wait because there are `connections` of them. */
  readonly running: number;
  readonly queued: number;
}

/** Outgoing HTTP: at most `connections` requests at once, `connectionsPerHost` to one host; addresses are remembered for `dnsTtlMs`. */
export function openHttpPool(settings: LiveSettings): HttpPool {
  const turns = createTurns(() => settings.current.http.connections);
  let agent = agentOf(settings.current.http);
  const dispatcher = new InTurn(turns, () => agent);
  const unsubscribe = onSectionChange(settings, 'http', (http) => {
    const before = agent;
    agent = agentOf(http);
    turns.next();
    void before.close(); // what is under way ends there
  });
  return {
    async fetch(url, { signal, ...init } = {}) {
      const inTime = AbortSignal.timeout(settings.current.http.timeoutMs);
      return fetch(url, { ...init, dispatcher, signal: signal ? AbortSignal.any([signal, inTime]) : inTime });
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
    keepAliveTimeout: keepAliveMs,
    connect: { timeout: connectTimeoutMs },
  });
  return agent.compose(interceptors.dns({ maxTTL: dnsTtlMs }));
}

interface Turns {
  readonly running: number;
  readonly queued: number;
  take(start: () => void): void;
  giveBack(): void;
  /** The limit may be another. */
  next(): void;
}

/** First come, first served. */
function createTurns(limit: () => number): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  const next = (): void => {
    while (running < limit()) {
      const start = waiting.shift();
      if (start === undefined) return;
      running += 1;
      start();
    }
  };
  return {
    get running() {
      return running;
    },
    get queued() {
      return waiting.length;
    },
    take(start) {
      waiting.push(start);
      next();
    },
    giveBack() {
      running -= 1;
      next();
    },
    next,
  };
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
    this.#turns.take(() => {
      const giveBack = onlyOnce(() => this.#turns.giveBack());
      try {
        this.#agent().dispatch(options, givingBack(handler, giveBack));
      } catch (error) {
        giveBack();
        throw error;
      }
    });
    return true;
  }
}

function onlyOnce(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}

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
