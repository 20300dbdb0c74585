import { ApiError, refusal } from './api-error.ts';
import type { Kube, Query } from './client.ts';
import { LineSplitter } from './lines.ts';
import type { KubeObject, ObjectMeta } from './object.ts';
import { collectionPath, type Resource } from './resource.ts';

/** Told of what the watches do; names are the resource's plural. */
export interface WatchMetrics {
  /** A list or a watch begins; `resume`: a watch that goes on where another one ended. */
  started(resource: string, what: 'list' | 'watch' | 'resume'): void;
  /** A watch ended otherwise than by its own time-out. */
  failed(resource: string, why: 'silent' | 'expired' | 'error'): void;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing happened up to this version. */
  | {
      readonly type: 'BOOKMARK';
      readonly object: { readonly metadata: Pick<ObjectMeta, 'resourceVersion' | 'annotations'> };
    };

/** How a watch ended. `closed`: by the server, at its time-out or because it had to catch up; go on at once from the last version. */
export type WatchEnd =
  | { readonly why: 'closed' }
  /** Not a byte for longer than the server leaves between bookmarks: the connection is dead though nobody said so. */
  | { readonly why: 'silent' }
  /** The server no longer knows what came after that version: list anew. */
  | { readonly why: 'expired' }
  | { readonly why: 'error'; readonly error: unknown };

export interface WatchOptions<T extends KubeObject> {
  readonly kube: Pick<Kube, 'stream'>;
  readonly resource: Resource<T>;
  readonly query: Query;
  /** Events after this one are sent. Undefined: first everything that there is, as ADDED, then a bookmark that says so, then what follows. */
  readonly resourceVersion: string | undefined;
  /** After which the server ends the watch. Spread, so that not all come back at once. */
  readonly timeoutSeconds: number;
  /** The server sends a bookmark every minute or so; more than two missed are too many. */
  readonly silenceMs: number;
  /** The server has accepted the watch. */
  readonly onOpen: () => void;
  /** Called in the read loop: a server closes a watch whose reader is slow. Must not throw. */
  readonly onEvent: (event: WatchEvent<T>) => void;
}

/** One watch, from its request to its end. Never throws; when `signal` is aborted the end is `closed`. */
export async function watch<T extends KubeObject>(options: WatchOptions<T>, signal: AbortSignal): Promise<WatchEnd> {
  const { kube, resource, query, resourceVersion, timeoutSeconds } = options;
  const { namespace, ...selectors } = query;
  const target = `${resource.kind} in ${namespace ?? 'all namespaces'}`;
  using alarm = new SilenceAlarm(options.silenceMs, signal);
  try {
    const from =
      resourceVersion === undefined
        ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
        : { resourceVersion };
    const parameters = { ...selectors, ...from, watch: true, allowWatchBookmarks: true, timeoutSeconds };
    const path = collectionPath(resource, namespace);
    const lines = new LineSplitter((line) => options.onEvent(eventOf(line, target)));
    const chunks = await kube.stream({ path, query: parameters, verb: 'watch', target }, alarm.signal);
    options.onOpen();
    for await (const chunk of chunks) {
      alarm.heard();
      lines.push(chunk);
    }
    return { why: 'closed' };
  } catch (error) {
    if (signal.aborted) return { why: 'closed' };
    if (alarm.signal.aborted) return { why: 'silent' };
    const isExpired = error instanceof ApiError && error.status === 410;
    return isExpired ? { why: 'expired' } : { why: 'error', error };
  }
}

/** @throws ApiError for an event of type ERROR, whose object is a Status; SyntaxError for what is not JSON: nothing is passed over. */
function eventOf<T>(line: string, target: string): WatchEvent<T> {
  const event = JSON.parse(line) as
    WatchEvent<T> | { readonly type: 'ERROR'; readonly object: { readonly code?: number } };
  if (event.type !== 'ERROR') return event;
  throw refusal({ verb: 'watch', target }, { status: event.object.code ?? 500, body: event.object });
}

/** Aborts its signal when nothing was heard for a while. One timer, not moved by what is heard: it looks at the time when it fires. */
class SilenceAlarm implements Disposable {
  readonly #controller = new AbortController();
  readonly #silenceMs: number;
  readonly #outer: AbortSignal;
  #lastHeard = performance.now();
  #timer: NodeJS.Timeout;

  constructor(silenceMs: number, outer: AbortSignal) {
    this.#silenceMs = silenceMs;
    this.#outer = outer;
    this.#timer = setTimeout(this.#look, silenceMs);
    outer.addEventListener('abort', this.#follow, { once: true });
    if (outer.aborted) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    this.#lastHeard = performance.now();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#follow);
  }

  readonly #follow = () => this.#controller.abort(this.#outer.reason);

  readonly #look = () => {
    const leftMs = this.#lastHeard + this.#silenceMs - performance.now();
    if (leftMs > 0) this.#timer = setTimeout(this.#look, leftMs + 1);
    else this.#controller.abort(new DOMException(`nothing heard for ${this.#silenceMs} ms`, 'TimeoutError'));
  };
}
