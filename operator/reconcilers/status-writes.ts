import type { GenerationService } from '../api/generation-service.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { Collection } from '../kube/collection.ts';
import { keyOf, type Key, type KubeObject, type ObjectMeta } from '../kube/object.ts';

/**
 * The newest status of every service: what we wrote last until the watch brings it, then the cache's.
 * Times in a status are when something changed: rendered on top of an older status they would come out as now, and be written again.
 */
export interface StatusWrites {
  of(service: GenerationService & KubeObject): GenerationServiceStatus;
  remember(key: Key, status: GenerationServiceStatus, written: Pick<ObjectMeta, 'resourceVersion' | 'uid'>): void;
}

/** Statuses under way at a time; what falls out may be written once too often. */
const limit = 1000;

export function createStatusWrites(services: Pick<Collection<unknown>, 'hasSeen'>): StatusWrites {
  const writes = new Map<
    Key,
    { readonly status: GenerationServiceStatus; readonly resourceVersion: string; readonly uid: string }
  >();
  return {
    of(service) {
      const key = keyOf(service);
      const write = writes.get(key);
      if (write?.uid === service.metadata.uid && !services.hasSeen(key, write.resourceVersion)) return write.status;
      writes.delete(key);
      return service.status ?? {};
    },
    remember(key, status, { resourceVersion, uid }) {
      writes.delete(key); // so that it stands last
      writes.set(key, { status, resourceVersion, uid });
      const [oldest] = writes.keys();
      if (writes.size > limit && oldest !== undefined) writes.delete(oldest);
    },
  };
}
