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
  /** What all requests share behind the Pods. Absent: nothing. */
  readonly dependency?: Dependency | undefined;
}

/** Up to so many busy slots it slows nobody down; beyond, each by (busy / slots) to the power: with 1 more of them finish no more, above 1 they finish less. */
export interface Dependency {
  readonly slots: number;
  readonly power: number;
}

/** By how much a request that begins now takes longer. */
export const stretchOf = ({ dependency }: Pick<Service, 'dependency'>, busySlots: number): number =>
  dependency === undefined ? 1 : Math.max(1, busySlots / dependency.slots) ** dependency.power;

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
