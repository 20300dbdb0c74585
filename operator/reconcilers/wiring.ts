import type { GenerationService } from '../api/generation-service.ts';
import type { Change, Unsubscribe } from '../kube/collection.ts';
import { keyOf, type Key, type ObjectMeta } from '../kube/object.ts';
import type { Queue } from '../kube/queue.ts';
import { targetKey } from '../levers/horizontal/hpa.ts';
import type { PodView } from '../metrics/pod-view.ts';
import { policyKeys, selects, type Caches } from './caches.ts';
import { watchedTarget } from './targets.ts';

/** A policy's count of services is written once for many that are made together. */
const countAfterMs = 5_000;

/** The work queues, one for each reconciler. */
export interface Queues {
  readonly services: Queue;
  readonly policies: Queue;
  readonly scaler: Queue;
  readonly objectives: Queue;
  readonly optimizer: Queue;
}

/**
 * What wakes whom. Only that something has changed goes into a queue, never what: the reconciles read the caches. Status, managedFields and resourceVersions wake nobody.
 * What is in the caches already is queued too: a new leader begins with everything.
 *
 * @returns Ends it.
 */
export function wire(caches: Caches, queues: Queues): Unsubscribe {
  const wakeService = (key: Key): void => {
    queues.services.add(key);
    queues.scaler.add(key);
    queues.objectives.add(key);
    queues.optimizer.add(key);
  };
  const wakeAll = (services: Iterable<GenerationService>): void => {
    for (const service of services) wakeService(keyOf(service));
  };
  const wakeByTarget = (key: string | undefined): void => {
    if (key !== undefined) wakeAll(caches.services.by('target', key));
  };

  const subscriptions = [
    caches.services.onChange(({ key, before, after }) => {
      if (sameIntent(before?.metadata, after?.metadata)) return;
      wakeService(key);
      const policies = [before, after].flatMap((service) => (service === undefined ? [] : policyKeys(service)));
      for (const policy of policies) queues.policies.addAfter(policy, countAfterMs);
      // A target that is claimed or given up may be another service's now.
      if (before?.metadata.generation !== after?.metadata.generation)
        for (const { targetRef } of [...(before?.spec.components ?? []), ...(after?.spec.components ?? [])])
          wakeByTarget(targetKey((after ?? before)?.metadata.namespace ?? '', targetRef));
    }),
    caches.policies.onChange(({ key, before, after }) => {
      if (before?.metadata.generation === after?.metadata.generation) return;
      queues.policies.add(key);
      wakeAll(caches.services.by('policy', key));
    }),
    caches.hpas.onChange(({ key, before, after }) => {
      const isOwn = after !== undefined && caches.hpaWrites.isEcho(key, after.spec); // told by the visit that wrote it
      // Also whose target it has left: it was the HPA that we made for it, or stood in its way.
      const [left, aim] = [before, after].map((hpa) => hpa && targetKey(hpa.namespace, hpa.spec.scaleTargetRef));
      for (const target of new Set([left, aim]))
        for (const service of target === undefined ? [] : caches.services.by('target', target)) {
          if (!isOwn || target !== aim) queues.services.add(keyOf(service));
          queues.scaler.add(keyOf(service)); // an HPA says nothing of how fast the service is
        }
    }),
    caches.pods.onChange(({ before, after }) => {
      if (before !== undefined || after === undefined) return; // a service that has Pods looks at them by itself
      for (const service of caches.services.by('namespace', after.namespace)) {
        if (!hasPod(service, after, caches)) continue;
        queues.scaler.add(keyOf(service));
        queues.objectives.add(keyOf(service));
        queues.optimizer.add(keyOf(service));
      }
    }),
    ...[caches.deployments, caches.statefulSets].map((workloads) =>
      workloads.onChange(({ before, after }) => {
        const workload = after ?? before;
        if (workload !== undefined) wakeByTarget(targetKey(workload.namespace, workload));
      }),
    ),
    caches.quotas.onChange(({ before, after }) => {
      for (const service of caches.services.by('namespace', (after ?? before)?.namespace ?? ''))
        queues.services.add(keyOf(service));
    }),
    // An HPA that was given to us may be moved once the state says what it was.
    caches.states.onChange(({ after }) => {
      if (after !== undefined) queues.scaler.add(`${after.namespace}/${after.serviceName}`);
    }),
    caches.apiServices?.onChange((change) => {
      if (concernsCustomMetrics(change)) wakeAll(caches.services.list());
    }),
  ];
  wakeAll(caches.services.list());
  for (const policy of caches.policies.list()) queues.policies.add(keyOf(policy));
  return () => subscriptions.forEach((unsubscribe) => unsubscribe?.());
}

/** Whether a target of the service, of a kind that is watched, has this Pod. */
const hasPod = ({ metadata, spec }: GenerationService, { labels }: PodView, caches: Caches): boolean =>
  spec.components.some(({ targetRef }) =>
    selects(watchedTarget(metadata.namespace, targetRef, caches)?.selector ?? [], labels),
  );

/** Whether nothing changed that somebody asked for. */
function sameIntent(before: ObjectMeta | undefined, after: ObjectMeta | undefined): boolean {
  return (
    before !== undefined &&
    after !== undefined &&
    before.uid === after.uid &&
    before.generation === after.generation &&
    before.deletionTimestamp === after.deletionTimestamp &&
    sameAnnotations(before.annotations ?? {}, after.annotations ?? {})
  );
}

function sameAnnotations(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): boolean {
  const own = (all: Readonly<Record<string, string>>): string =>
    Object.entries(all)
      .filter(([name]) => name.startsWith('genops.dev/'))
      .map((entry) => entry.join('='))
      .toSorted()
      .join();
  return own(before) === own(after);
}

const concernsCustomMetrics = ({ before, after }: Change<{ readonly spec: { readonly group?: string } }>): boolean =>
  (after ?? before)?.spec.group === 'custom.metrics.k8s.io';
