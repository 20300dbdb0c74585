import { createHash } from 'node:crypto';

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
export function createOwnWrites(collection: Pick<Collection<unknown>, 'hasSeen'>, limit = 10_000): OwnWrites {
  const writes = new Map<Key, { readonly hash: string; readonly resourceVersion: string }>();
  return {
    remember(key, hash, { resourceVersion }) {
      writes.delete(key); // so that it stands last
      writes.set(key, { hash, resourceVersion });
      const [oldest] = writes.keys();
      if (writes.size > limit && oldest !== undefined) writes.delete(oldest);
    },
    covers(key, hash) {
      const write = writes.get(key);
      if (write === undefined) return false;
      if (!collection.hasSeen(key, write.resourceVersion)) return write.hash === hash;
      writes.delete(key);
      return false;
    },
  };
}

/** Equal for values that are equal as JSON, whatever the order of their keys. 27 characters. */
export function hashOf(value: unknown): string {
  return createHash('sha1')
    .update(JSON.stringify(value, sorted) ?? '')
    .digest('base64url');
}

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
