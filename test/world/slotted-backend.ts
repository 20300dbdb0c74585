import type { ServerResponse } from 'node:http';
import { backend } from '../integration/nginx-world.ts';

/** What a Pod does, which may be changed at any moment. */
export interface Conduct {
  /** What a request takes once it has a slot, in ms. */
  serviceMs: () => number;
  /** Answers 500 at once. */
  fails: boolean;
}

/** A Pod that works on so many requests at once; others wait in its queue. @param port By default any that is free. */
export async function slottedBackend(slots: number, serviceMs: number, port = 0) {
  const conduct: Conduct = { serviceMs: () => serviceMs, fails: false };
  const queue: ServerResponse[] = [];
  const [counts, timers] = [{ requests: 0 }, new Set<NodeJS.Timeout>()];
  let busy = 0;
  const next = (): void => {
    const response = busy < slots ? queue.shift() : undefined;
    if (response === undefined) return;
    busy += 1;
    const timer = setTimeout(() => {
      timers.delete(timer);
      busy -= 1;
      response.end('ok');
      next();
    }, conduct.serviceMs());
    timers.add(timer);
  };
  const server = await backend((_, response) => {
    counts.requests += 1;
    if (conduct.fails) {
      response.writeHead(500).end('failing');
      return;
    }
    queue.push(response);
    next();
  }, port);
  return {
    port: server.port,
    conduct,
    /** How many it was asked since the last time. */
    taken(): number {
      const { requests } = counts;
      counts.requests = 0;
      return requests;
    },
    async [Symbol.asyncDispose]() {
      timers.forEach(clearTimeout);
      await server[Symbol.asyncDispose]();
    },
  };
}
