import type { Service } from './service.ts';
import { lengthSeconds, type Trace } from './trace.ts';

/** What a trace asks of a service on average, beside what its most replicas can do. */
interface Demand {
  readonly requestsPerSecond: number;
  /** Slots that these keep busy. */
  readonly busySlots: number;
  /** That, by the slots of the most replicas. */
  readonly ratio: number;
  /** The fewest replicas with a slot more than that. */
  readonly leastReplicas: number;
}

export function demandOf(trace: Trace, { slots, serviceSeconds, maxReplicas }: Service): Demand {
  const requestsPerSecond = trace.counts.reduce((sum, count) => sum + count, 0) / lengthSeconds(trace);
  const busySlots = requestsPerSecond * serviceSeconds;
  return {
    requestsPerSecond,
    busySlots,
    ratio: busySlots / (slots * maxReplicas),
    leastReplicas: Math.floor(busySlots / slots) + 1,
  };
}
