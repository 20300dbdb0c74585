import { significant } from '../decide/significant.ts';
import { demandOf } from '../simulate/demand.ts';
import type { Outcome } from '../simulate/outcome.ts';
import type { Service } from '../simulate/service.ts';
import { lengthSeconds, type Trace } from '../simulate/trace.ts';

/** Load that is more than all replicas bear: every autoscaler misses the objective then, and no figure says why. */
export function overloadRemark(trace: Trace, service: Service): string {
  const { slots, serviceSeconds, maxReplicas } = service;
  const { requestsPerSecond, busySlots, ratio, leastReplicas } = demandOf(trace, service);
  if (ratio < 1) return '';
  const asked = `${significant(requestsPerSecond)} requests/s on average, ${significant(serviceSeconds)} s of work each`;
  return `the load asks for ${significant(ratio)} × what maxReplicas ${maxReplicas} can do: ${asked}, keep ${significant(busySlots)} slots busy, and ${maxReplicas} × ${slots} are there. No autoscaler does more: raise horizontal.maxReplicas (${leastReplicas} at least), or see whether --service-time and --slots are those of the service\n`;
}

/** Shares of nothing are 0, which looks like an objective that is met. */
export function fewRemark(trace: Trace, { requests, windows }: Outcome): string {
  if (requests === 0) return 'the load has no requests: the figures say nothing\n';
  if (windows > 0) return '';
  const hours = significant(lengthSeconds(trace) / 3_600);
  return `the load has ${significant(requests)} requests in ${hours} h, and no 5 minutes with 20 of them: none is judged, so no window counts as missed\n`;
}
