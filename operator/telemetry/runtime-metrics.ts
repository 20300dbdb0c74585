import type { Metrics } from './metrics.ts';

/** What the queues and loops of kube/ tell, into our metrics. */
export const runtimeMetrics = ({ reconciles, reconcileDuration, queueDepth, queueDuration }: Metrics) => ({
  reconciled(controller: string, result: 'success' | 'requeued' | 'error' | 'timeout', seconds: number): void {
    reconciles.inc({ controller, result: result === 'error' || result === 'timeout' ? 'error' : 'success' });
    reconcileDuration.observe({ controller }, seconds);
  },
  depth: (controller: string, keys: number): void => queueDepth.set({ controller }, keys),
  waited: (controller: string, seconds: number): void => queueDuration.observe({ controller }, seconds),
});
