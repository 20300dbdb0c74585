import { isDeepStrictEqual } from 'node:util';

import type { Collection } from './collection.ts';
import type { Key, ObjectMeta } from './object.ts';

/**
 * Remembers what we wrote until the watch brings it, so that an event that overtakes it does not make us write it again, and its own event wakes nobody.
 * One for each collection and each thing that is written to it (`status`, `spec`).
 */
export interface OwnWrites<T> {
  /** Before it is sent: the watch may be quicker than the answer. */
  begin(key: Key, value: T): void;
  /** The server's answer to it. */
  end(key: Key, written: Pick<ObjectMeta, 'resourceVersion'>): void;
  /** It was refused, or nobody knows what became of it. */
  forget(key: Key): void;
  /** What is being written, or was and the cache does not show yet. */
  latest(key: Key): T | undefined;
  /** True: just this was written already and the cache does not show it yet. There is nothing to compare and nothing to send. */
  covers(key: Key, value: T): boolean;
  /** Whether what the watch brings is just what was written: no news to whoever wrote it. True once. */
  isEcho(key: Key, value: T): boolean;
}

/** Bounded to `limit` writes under way (default 1000); what falls out costs one write or one look too many. */
export function createOwnWrites<T>(collection: Pick<Collection<unknown>, 'hasSeen'>, limit = 1000): OwnWrites<T> {
  const writes = new Map<Key, { readonly value: T; resourceVersion: string | undefined }>();
  const unseen = (key: Key) => {
    const write = writes.get(key);
    if (write?.resourceVersion === undefined || !collection.hasSeen(key, write.resourceVersion)) return write;
    writes.delete(key);
    return undefined;
  };
  return {
    begin(key, value) {
      writes.delete(key); // so that it stands last
      writes.set(key, { value, resourceVersion: undefined });
      const [oldest] = writes.keys();
      if (writes.size > limit && oldest !== undefined) writes.delete(oldest);
    },
    end(key, { resourceVersion }) {
      const write = writes.get(key);
      if (write !== undefined) write.resourceVersion = resourceVersion;
    },
    forget: (key) => void writes.delete(key),
    latest: (key) => unseen(key)?.value,
    covers(key, value) {
      const write = unseen(key);
      return write?.resourceVersion !== undefined && isDeepStrictEqual(write.value, value);
    },
    isEcho: (key, value) => isDeepStrictEqual(writes.get(key)?.value, value) && writes.delete(key),
  };
}
