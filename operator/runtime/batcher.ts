import type { LiveSettings } from './settings.ts';
import { Overloaded } from './overloaded.ts';

export interface BatcherOptions<Request, Answer> {
  /** One call for all requests of a kind. As many answers as requests, in their order; an Error answers just its own request. */
  readonly send: (
    kind: string,
    requests: readonly Request[],
    signal: AbortSignal,
  ) => Promise<readonly (Answer | Error)[]>;
  /** Requests that wait or are under way; one more is refused, so that a slow receiver does not fill the memory. */
  readonly maxPending?: number;
}

export interface Batcher<Request, Answer> {
  /** @throws Overloaded, the request's own error, or the signal's reason. */
  ask(kind: string, request: Request, signal?: AbortSignal): Promise<Answer>;
  readonly pending: number;
}

interface Item<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

interface Batch<Request, Answer> {
  readonly items: Set<Item<Request, Answer>>;
  readonly abandoned: AbortController;
  readonly timer: NodeJS.Timeout;
}

/** Requests of one kind go together: as soon as there are `maxRequests` of them, or the first has waited for `maxWaitMs`. */
export function createBatcher<Request, Answer>(
  settings: LiveSettings,
  { send, maxPending = 10_000 }: BatcherOptions<Request, Answer>,
): Batcher<Request, Answer> {
  const waiting = new Map<string, Batch<Request, Answer>>();
  let pending = 0;

  const flush = (kind: string, batch: Batch<Request, Answer>): void => {
    clearTimeout(batch.timer);
    if (waiting.get(kind) === batch) waiting.delete(kind);
    if (batch.items.size > 0) void deliver(kind, [...batch.items], batch, send);
  };
  const batchOf = (kind: string): Batch<Request, Answer> => {
    const known = waiting.get(kind);
    if (known !== undefined) return known;
    const batch: Batch<Request, Answer> = {
      items: new Set(),
      abandoned: new AbortController(),
      timer: setTimeout(() => flush(kind, batch), settings.current.batch.maxWaitMs),
    };
    waiting.set(kind, batch);
    return batch;
  };

  return {
    get pending() {
      return pending;
    },
    async ask(kind, request, signal) {
      signal?.throwIfAborted();
      if (pending >= maxPending) throw new Overloaded(`${maxPending} requests wait already`);
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const batch = batchOf(kind);
      const item = { request, resolve, reject };
      const leave = (): void => {
        batch.items.delete(item);
        if (batch.items.size === 0) {
          flush(kind, batch); // who comes next begins a batch of their own
          batch.abandoned.abort(signal?.reason); // nobody waits for the answer any more
        }
        reject(signal?.reason);
      };
      batch.items.add(item);
      pending += 1;
      signal?.addEventListener('abort', leave, { once: true });
      if (batch.items.size >= settings.current.batch.maxRequests) flush(kind, batch);
      try {
        return await promise;
      } finally {
        pending -= 1;
        signal?.removeEventListener('abort', leave);
      }
    },
  };
}

async function deliver<Request, Answer>(
  kind: string,
  items: readonly Item<Request, Answer>[],
  { abandoned }: Batch<Request, Answer>,
  send: BatcherOptions<Request, Answer>['send'],
): Promise<void> {
  try {
    const requests = items.map(({ request }) => request);
    const given: unknown = await send(kind, requests, abandoned.signal);
    const answers: readonly unknown[] = Array.isArray(given) ? given : []; // JavaScript may give none at all
    if (answers.length !== items.length)
      throw new RangeError(`saw ${answers.length} answers of ${kind}; wanted one for each of ${items.length} requests`);
    for (const [index, { resolve, reject }] of items.entries()) {
      const answer = answers[index];
      if (Error.isError(answer)) reject(answer);
      else resolve(answer as Answer);
    }
  } catch (error) {
    for (const { reject } of items) reject(error);
  }
}
