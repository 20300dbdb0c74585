import { compareVersions, keyOf, type Key, type KubeObject, type ObjectMeta } from '../kube/object.ts';

/**
 * Gives an object the status that we wrote last, where it was read from the cache before the watch brought that.
 * Times in a status are when something changed: rendered on top of an older status they would come out as now, and be written again.
 */
export interface StatusWrites<T extends WithStatus> {
  latest(cached: T): T;
  remember(key: Key, status: NonNullable<T['status']>, written: Pick<ObjectMeta, 'resourceVersion' | 'uid'>): void;
}

type WithStatus = KubeObject & { readonly status?: unknown };

/** Statuses under way at a time; what falls out may be written once too often. */
const limit = 1000;

export function createStatusWrites<T extends WithStatus>(): StatusWrites<T> {
  const writes = new Map<
    Key,
    { readonly status: NonNullable<T['status']>; readonly resourceVersion: string; readonly uid: string }
  >();
  return {
    latest(cached) {
      const { uid, resourceVersion } = cached.metadata;
      const write = writes.get(keyOf(cached));
      if (write?.uid === uid && compareVersions(resourceVersion, write.resourceVersion) < 0)
        return { ...cached, status: write.status };
      writes.delete(keyOf(cached));
      return cached;
    },
    remember(key, status, { resourceVersion, uid }) {
      writes.delete(key); // so that it stands last
      writes.set(key, { status, resourceVersion, uid });
      const [oldest] = writes.keys();
      if (writes.size > limit && oldest !== undefined) writes.delete(oldest);
    },
  };
}
