import type { GenerationService } from '../api/generation-service.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import { compareVersions, keyOf, type Key, type KubeObject, type ObjectMeta } from '../kube/object.ts';

/**
 * Gives a service the status that we wrote last, where it was read from the cache before the watch brought that.
 * Times in a status are when something changed: rendered on top of an older status they would come out as now, and be written again.
 */
export interface StatusWrites {
  latest(service: GenerationService & KubeObject): GenerationService & KubeObject;
  remember(key: Key, status: GenerationServiceStatus, written: Pick<ObjectMeta, 'resourceVersion' | 'uid'>): void;
}

/** Statuses under way at a time; what falls out may be written once too often. */
const limit = 1000;

export function createStatusWrites(): StatusWrites {
  const writes = new Map<
    Key,
    { readonly status: GenerationServiceStatus; readonly resourceVersion: string; readonly uid: string }
  >();
  return {
    latest(service) {
      const { uid, resourceVersion } = service.metadata;
      const write = writes.get(keyOf(service));
      if (write?.uid === uid && compareVersions(resourceVersion, write.resourceVersion) < 0)
        return { ...service, status: write.status };
      writes.delete(keyOf(service));
      return service;
    },
    remember(key, status, { resourceVersion, uid }) {
      writes.delete(key); // so that it stands last
      writes.set(key, { status, resourceVersion, uid });
      const [oldest] = writes.keys();
      if (writes.size > limit && oldest !== undefined) writes.delete(oldest);
    },
  };
}
