import type { Kube } from './client.ts';
import { Feed, type FeedSink } from './feed.ts';
import { Indexes, type IndexFunctions } from './indexes.ts';
import type { Logger } from './logger.ts';
import { compareVersions, keyOf, splitKey, type Key, type KubeObject } from './object.ts';
import type { Resource } from './resource.ts';
import type { WatchEvent, WatchMetrics } from './watch.ts';

/**
 * A cache of all objects of one resource, kept by list and watch. What it holds is what `project` made of each object.
 * It survives everything: a watch that ends or falls silent is taken up where it was, an expired one is listed anew,
 * a lost API server is asked again for ever, with back-off. Meanwhile it answers from what it last saw.
 */
export interface Collection<T> extends AsyncDisposable {
  readonly name: string;
  get(key: Key): T | undefined;
  list(): IterableIterator<T>;
  readonly size: number;
  /** The objects to which an index gives this value; in no order. @throws RangeError for an index that was not declared. */
  by(index: string, value: string): readonly T[];
  /** Called after the cache has changed, one object at a time, also for the first list. Must not throw and should only queue keys. */
  onChange(listener: (change: Change<T>) => void): Unsubscribe;
  /** Resolves when everything has been listed once; rejects with the signal's reason. */
  synced(signal: AbortSignal): Promise<void>;
  /** Why it is not (or no longer) fed: undefined when it is. For readiness and messages. */
  problem(except?: NamespaceSet): string | undefined;
  /** What the server says that keeps it from being fed: words that do not move. Undefined while it is fed, and while the first list is under way. */
  failure(): string | undefined;
  /** The namespaces of which nothing is known yet; undefined for the whole cluster. */
  unlisted(): readonly (string | undefined)[];
  /** The namespaces that we may not look at (403), with the server's words. */
  forbidden(): ReadonlyMap<string, string>;
  /** Whether the cache already shows that version of that object (or a later one, or its deletion). */
  hasSeen(key: Key, resourceVersion: string): boolean;
}

/** `before` absent: it is new. `after` absent: it is gone, also when that was found only by listing anew. */
export interface Change<T> {
  readonly key: Key;
  readonly before?: T;
  readonly after?: T;
}

export type Unsubscribe = () => void;

export type NamespaceSet = Pick<ReadonlySet<string | undefined>, 'has'>;

export interface CollectionOptions<Wire extends KubeObject, T> {
  readonly kube: Kube;
  readonly resource: Resource<Wire>;
  /** One watch for each; undefined, or a resource of the cluster: one for all. */
  readonly namespaces?: readonly string[] | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Keeps what is needed of an object, so that the rest can be freed. Called once an event; its result is never copied. */
  readonly project: (object: Wire) => T;
  /** Value under which to find an object, by name of the index. Computed once per change. */
  readonly indexes?: IndexFunctions<T>;
  /** Whether a change of an object matters: an event for which this is true replaces nothing and wakes nobody. Default: each matters. */
  readonly isSame?: (before: T, after: T) => boolean;
  /** Resolves when a namespace may be listed, or the signal is aborted. Default: at once. */
  readonly before?: ((namespace: string | undefined, signal: AbortSignal) => Promise<void>) | undefined;
  /** `unlisted` or `forbidden` may say something else now. */
  readonly onStanding?: (() => void) | undefined;
  readonly logger: Logger;
  readonly metrics?: WatchMetrics | undefined;
  /** A watch of which nothing is heard for so long is dead. Default 150 000 ms: the server sends a bookmark every minute. */
  readonly silenceMs?: number;
  /** How long one watch lasts: between this and double of it. Default 300 s. */
  readonly watchSeconds?: number;
}

/** Begins to list at once; the answer can be used before it is synced. */
export function openCollection<Wire extends KubeObject, T>(options: CollectionOptions<Wire, T>): Collection<T> {
  return new WatchedCollection(options);
}

interface Entry<T> {
  readonly value: T;
  /** resourceVersion of what `value` was made of. */
  readonly version: string;
}

/** Its feed is broken for longer than any restart of an API server takes. */
const brokenMs = 30_000;

class WatchedCollection<Wire extends KubeObject, T> implements Collection<T> {
  readonly name: string;
  readonly #options: CollectionOptions<Wire, T>;
  readonly #entries = new Map<Key, Entry<T>>();
  readonly #indexes: Indexes<T>;
  readonly #listeners = new Set<(change: Change<T>) => void>();
  /** By namespace; undefined for the whole cluster. */
  readonly #feeds = new Map<string | undefined, Feed<Wire>>();
  readonly #stop = new AbortController();
  readonly #allListed = Promise.withResolvers<void>();
  readonly #ended: Promise<unknown>;

  constructor(options: CollectionOptions<Wire, T>) {
    this.name = options.resource.plural;
    this.#options = options;
    this.#indexes = new Indexes(options.indexes ?? {});
    const { labelSelector, fieldSelector } = options;
    const namespaces = (options.resource.namespaced ? options.namespaces : undefined) ?? [undefined];
    for (const namespace of namespaces) {
      this.#feeds.set(
        namespace,
        new Feed({ ...options, query: { namespace, labelSelector, fieldSelector } }, this.#sink(namespace)),
      );
    }
    if (namespaces.length === 0) this.#allListed.resolve();
    this.#ended = Promise.all(Array.from(this.#feeds, ([namespace, feed]) => this.#run(feed, namespace)));
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): T | undefined {
    return this.#entries.get(key)?.value;
  }

  *list(): IterableIterator<T> {
    for (const { value } of this.#entries.values()) yield value;
  }

  by(index: string, value: string): readonly T[] {
    return Array.from(this.#indexes.keys(index, value), (key) => this.get(key)).filter(
      (object) => object !== undefined,
    );
  }

  onChange(listener: (change: Change<T>) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async synced(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#allListed.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  problem(except?: NamespaceSet): string | undefined {
    for (const [of, { version, failing }] of this.#feeds) {
      if (except?.has(of) === true) continue;
      const namespace = of ?? 'all namespaces';
      const since = failing === undefined ? 0 : performance.now() - failing.since;
      if (version === undefined)
        return `${this.name} in ${namespace} not listed yet${failing === undefined ? '' : `: ${failing.message}`}`;
      if (failing !== undefined && since > brokenMs)
        return `${this.name} in ${namespace} not watched for ${Math.round(since / 1000)} s: ${failing.message}`;
    }
    return undefined;
  }

  failure(): string | undefined {
    for (const { version, failing } of this.#feeds.values())
      if (failing !== undefined && (version === undefined || performance.now() - failing.since > brokenMs))
        return failing.message;
    return undefined;
  }

  unlisted(): readonly (string | undefined)[] {
    return [...this.#feeds].flatMap(([namespace, { version }]) => (version === undefined ? [namespace] : []));
  }

  forbidden(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#feeds].flatMap(([namespace, { failing }]) =>
        namespace !== undefined && failing?.isForbidden === true ? [[namespace, failing.message] as const] : [],
      ),
    );
  }

  hasSeen(key: Key, resourceVersion: string): boolean {
    const { namespace } = splitKey(key);
    const version = (this.#feeds.get(namespace) ?? this.#feeds.get(undefined))?.version;
    return version !== undefined && compareVersions(version, resourceVersion) >= 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException(`the collection of ${this.name} was closed`, 'AbortError'));
    this.#listeners.clear();
    await this.#ended;
  }

  async #run(feed: Feed<Wire>, namespace: string | undefined): Promise<void> {
    const { before } = this.#options;
    if (before !== undefined) await before(namespace, this.#stop.signal);
    await feed.run(this.#stop.signal);
  }

  #sink(namespace: string | undefined): FeedSink<Wire> {
    const prefix = namespace === undefined ? '' : `${namespace}/`;
    let seen = new Set<Key>();
    return {
      listing: () => {
        seen = new Set();
      },
      page: (items) => {
        for (const item of items) seen.add(this.#put(item));
      },
      listed: () => {
        for (const key of this.#entries.keys()) if (key.startsWith(prefix) && !seen.has(key)) this.#drop(key);
        seen = new Set();
        if (this.#feeds.values().every(({ version }) => version !== undefined)) this.#allListed.resolve();
        this.#options.onStanding?.();
      },
      event: (event) => this.#take(event),
      refused: () => this.#options.onStanding?.(),
    };
  }

  #take(event: WatchEvent<Wire>): void {
    if (event.type === 'DELETED') this.#drop(keyOf(event.object));
    else if (event.type !== 'BOOKMARK') this.#put(event.object);
  }

  #put(object: Wire): Key {
    const key = keyOf(object);
    const version = object.metadata.resourceVersion;
    const before = this.#entries.get(key);
    if (before?.version === version) return key; // listed anew, and nothing happened to it
    const value = this.#options.project(object);
    if (before !== undefined && this.#options.isSame?.(before.value, value) === true) {
      this.#entries.set(key, { value: before.value, version });
      return key;
    }
    this.#entries.set(key, { value, version });
    this.#indexes.replace(key, before?.value, value);
    this.#tell(before === undefined ? { key, after: value } : { key, before: before.value, after: value });
    return key;
  }

  #drop(key: Key): void {
    const before = this.#entries.get(key);
    if (before === undefined) return;
    this.#entries.delete(key);
    this.#indexes.replace(key, before.value, undefined);
    this.#tell({ key, before: before.value });
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#options.logger.error('a listener failed', { resource: this.name, key: change.key, error });
      }
    }
  }
}
