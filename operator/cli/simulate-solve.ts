import type { EffectivePolicy } from '../decide/effective-policy.ts';
import { significant } from '../decide/significant.ts';
import { slotsOf, slotsPool } from '../decide/slots.ts';
import { solve, type Solution } from '../simulate/solve.ts';
import type { Service } from '../simulate/service.ts';
import { table } from './table.ts';

export interface Solved {
  /** `objectives.concurrentWorkflows`. */
  readonly inFlight: number;
  readonly service: Service;
  /** Undefined: service times alone miss the objective. */
  readonly solution: Solution | undefined;
  /** What a replica has least of, and how many of it. */
  readonly tightest: { readonly layer: string; readonly slots: number };
}

/** What the objective of a policy takes of a service. */
export function solved(policy: EffectivePolicy, service: Service): Solved {
  const { objectives } = policy;
  const inFlight = objectives.concurrentWorkflows.target;
  const layer = slotsOf(policy) === service.slots ? `runtime.pools.${slotsPool}` : '--slots';
  return { inFlight, service, solution: solve(service, inFlight), tightest: { layer, slots: service.slots } };
}

export function solvedText({ inFlight, service, solution, tightest }: Solved): string {
  const { objectiveSeconds, maxReplicas } = service;
  const asked = `${inFlight} in flight at p95 < ${significant(objectiveSeconds)} s`;
  if (solution === undefined)
    return `${asked}: no number of replicas; service times alone have a longer p95. Make requests faster, or the objective longer.\n`;
  const { atOnce, onAverage, p95Seconds, capacities } = solution;
  const over = (replicas: number): string =>
    replicas > maxReplicas ? `, more than horizontal.maxReplicas ${maxReplicas}` : '';
  const rate = inFlight / service.serviceSeconds;
  const rows = capacities.map((each) => [
    String(each.replicas),
    significant(each.inFlight),
    significant(each.requestsPerSecond),
  ]);
  return [
    `${asked}: ${atOnce} replicas${over(atOnce)} (each has a slot of its own: p95 ${significant(p95Seconds)} s)`,
    `${inFlight} on average, ${significant(rate)} requests/s at random: ${onAverage} replicas${over(onAverage)}`,
    `the tightest layer is ${tightest.layer} ${tightest.slots}, in each replica`,
    '',
    table([['REPLICAS', 'MOST IN FLIGHT', 'REQUESTS/S'], ...rows]),
  ].join('\n');
}
