import { lognormal, random } from './random.ts';
import type { Service } from './service.ts';
import type { Trace } from './trace.ts';

/** Every request of a run, in order of arrival: when it comes and how long it works, in seconds. The same for whatever is compared. */
export interface Requests {
  readonly arrivals: Float64Array;
  readonly serviceTimes: Float64Array;
}

/** A trace has counts: within a step requests come at times drawn evenly. */
export function drawRequests(
  { stepSeconds, counts }: Trace,
  { serviceSeconds, serviceCv }: Pick<Service, 'serviceSeconds' | 'serviceCv'>,
  seed: number,
): Requests {
  const whole = counts.map(Math.round);
  const total = whole.reduce((sum, count) => sum + count, 0);
  const arrivals = new Float64Array(total);
  const [moment, draw] = [random(seed), lognormal(serviceSeconds, serviceCv, random(seed + 1))];
  let next = 0;
  for (const [step, count] of whole.entries()) {
    const first = next;
    for (let request = 0; request < count; request++) arrivals[next++] = (step + moment()) * stepSeconds;
    arrivals.subarray(first, next).sort();
  }
  return { arrivals, serviceTimes: Float64Array.from(arrivals, draw) };
}
