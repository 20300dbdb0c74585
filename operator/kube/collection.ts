import type { Kube } from './client.ts';
import type { Logger } from './logger.ts';
import type { Key, KubeObject } from './object.ts';
import type { Resource } from './resource.ts';
import type { WatchMetrics } from './watch.ts';

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
  problem(): string | undefined;
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

export interface CollectionOptions<Wire extends KubeObject, T> {
  readonly kube: Kube;
  readonly resource: Resource<Wire>;
  /** One watch for each; undefined: one for the whole cluster. */
  readonly namespaces?: readonly string[] | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Keeps what is needed of an object, so that the rest can be freed. Called once an event; its result is never copied. */
  readonly project: (object: Wire) => T;
  /** Value under which to find an object, by name of the index. Computed once per change. */
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>;
  /** Whether a change of an object matters: an event for which this is true replaces nothing and wakes nobody. Default: each matters. */
  readonly isSame?: (before: T, after: T) => boolean;
  readonly logger: Logger;
  readonly metrics?: WatchMetrics | undefined;
}

/** Begins to list at once; the answer can be used before it is synced. */
export declare function openCollection<Wire extends KubeObject, T>(options: CollectionOptions<Wire, T>): Collection<T>;
