import type { Collection } from './collection.ts';
import type { Key, ObjectMeta } from './object.ts';

/**
 * Remembers what we wrote until the watch brings it, so that an event that overtakes it does not make us write it again.
 * One for each collection and each thing that is written to it (`status`, the whole object).
 */
export interface OwnWrites {
  /** After a write: `hash` of what was sent (`hashOf`), and the server's answer. */
  remember(key: Key, hash: string, written: Pick<ObjectMeta, 'resourceVersion'>): void;
  /** True: just this was written already and the cache does not show it yet. There is nothing to compare and nothing to send. */
  covers(key: Key, hash: string): boolean;
}

/** Bounded to `limit` writes under way (default 10 000); what falls out costs one write too many. */
export declare function createOwnWrites(collection: Pick<Collection<unknown>, 'hasSeen'>, limit?: number): OwnWrites;

/** Equal for values that are equal as JSON, whatever the order of their keys. 27 characters. */
export declare function hashOf(value: unknown): string;
