import type { Trace } from './trace.ts';

/** What a service is, as far as a simulation goes. */
export interface Service {
  /** Requests that one replica works on at a time. */
  readonly slots: number;
  readonly serviceSeconds: number;
  /** Standard deviation of the service time by its mean. */
  readonly serviceCv: number;
  /** Response time that is to be met. */
  readonly objectiveSeconds: number;
  /** From the creation of a Pod until it is Ready; each Pod's is within a tenth of that. */
  readonly startUpSeconds: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

/** A request that has waited so long is given up by whoever sent it. */
export const patienceSeconds = 60;

/** Replicas that the first minute keeps busy at 70 %: where a simulation begins. */
export function replicasAtStart({ stepSeconds, counts }: Trace, service: Service): number {
  const steps = Math.max(1, Math.round(60 / stepSeconds));
  const arrived = counts.subarray(0, steps).reduce((sum, count) => sum + count, 0);
  const busy = (arrived / (steps * stepSeconds)) * service.serviceSeconds;
  return withinBounds(Math.ceil(busy / (0.7 * service.slots)), service);
}

export const withinBounds = (
  replicas: number,
  { minReplicas, maxReplicas }: Pick<Service, 'minReplicas' | 'maxReplicas'>,
): number => Math.min(Math.max(replicas, minReplicas), maxReplicas);
