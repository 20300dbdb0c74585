import { p95Of, slackOf, slotsFor } from '../decide/lookahead/staffing.ts';
import type { Service } from './service.ts';

/** The most load under which so many replicas meet the objective. */
export interface Capacity {
  readonly replicas: number;
  /** On average, coming at random. */
  readonly inFlight: number;
  readonly requestsPerSecond: number;
}

export interface Solution {
  /** 95th percentile of the service time: what nobody who waits can have. */
  readonly p95Seconds: number;
  /** Replicas in which as many requests have a slot each. */
  readonly atOnce: number;
  /** Replicas that meet the objective with as many in flight on average, coming at random. */
  readonly onAverage: number;
  /** From the policy's least replicas to its most. */
  readonly capacities: readonly Capacity[];
}

/**
 * What an objective takes, by the staffing of Lookahead.
 *
 * @returns undefined where service times alone miss it: no number of replicas helps.
 */
export function solve(service: Service, inFlight: number): Solution | undefined {
  const { slots, serviceSeconds, serviceCv, objectiveSeconds, minReplicas, maxReplicas } = service;
  const p95Seconds = p95Of(serviceSeconds, serviceCv);
  if (p95Seconds > objectiveSeconds) return undefined;
  return {
    p95Seconds,
    atOnce: Math.ceil(inFlight / slots),
    onAverage: Math.ceil(slotsOf(service, inFlight) / slots),
    capacities: Array.from({ length: maxReplicas - minReplicas + 1 }, (_, index) =>
      capacityOf(service, minReplicas + index),
    ),
  };
}

const slotsOf = ({ serviceSeconds, serviceCv, objectiveSeconds }: Service, offered: number): number =>
  slotsFor({ offered, serviceSeconds, serviceCv, slackSeconds: slackOf(serviceSeconds, objectiveSeconds, serviceCv) });

/** Halvings of the interval: to less than a thousandth of a slot. */
const halvings = 24;

function capacityOf(service: Service, replicas: number): Capacity {
  const slots = replicas * service.slots;
  let [fits, tooMany] = [0, slots];
  for (let halving = 0; halving < halvings; halving++) {
    const offered = (fits + tooMany) / 2;
    if (slotsOf(service, offered) <= slots) fits = offered;
    else tooMany = offered;
  }
  return { replicas, inFlight: fits, requestsPerSecond: fits / service.serviceSeconds };
}
