import { watchFailures, type Metrics } from './metrics.ts';

/** What the queues, loops and watches of kube/ tell, into our metrics. */
export const runtimeMetrics = ({ reconciles, reconcileDuration, queueDepth, queueDuration, ...watches }: Metrics) => ({
  reconciled(controller: string, result: 'success' | 'requeued' | 'error' | 'timeout', seconds: number): void {
    reconciles.inc({ controller, result: result === 'error' || result === 'timeout' ? 'error' : 'success' });
    reconcileDuration.observe({ controller }, seconds);
  },
  depth: (controller: string, keys: number): void => queueDepth.set({ controller }, keys),
  started(resource: string, what: 'list' | 'watch' | 'resume'): void {
    watches.watchStarts.inc({ resource, what });
    for (const why of watchFailures) watches.watchFailures.inc({ resource, why }, 0); // a rate needs the point before the first
  },
  failed: (resource: string, why: (typeof watchFailures)[number]): void => watches.watchFailures.inc({ resource, why }),
  waited: (controller: string, seconds: number): void => queueDuration.observe({ controller }, seconds),
});
