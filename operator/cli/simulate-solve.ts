import type { EffectivePolicy } from '../decide/effective-policy.ts';
import { significant } from '../decide/significant.ts';
import { slotsOf, slotsPool } from '../decide/slots.ts';
import { besides, tightestOf, type Beside, type Layer } from '../simulate/layers.ts';
import { solve, type Solution } from '../simulate/solve.ts';
import type { Service } from '../simulate/service.ts';
import { table } from './table.ts';

export interface Solved {
  /** `objectives.concurrentWorkflows`. */
  readonly inFlight: number;
  /** With as many slots as its tightest layer leaves it. */
  readonly service: Service;
  /** Undefined: service times alone miss the objective. */
  readonly solution: Solution | undefined;
  /** What a replica has least of that a request holds as long as it works. */
  readonly tightest: Layer;
  /** What it holds for a part of that time. */
  readonly besides: readonly Beside[];
}

/** What the objective of a policy takes of a service. */
export function solved(policy: EffectivePolicy, asked: Service): Solved {
  const { objectives } = policy;
  const inFlight = objectives.concurrentWorkflows.target;
  const layer = slotsOf(policy) === asked.slots ? `runtime.pools.${slotsPool}` : '--slots';
  const tightest = tightestOf(policy, { layer, atOnce: asked.slots });
  const service = { ...asked, slots: tightest.atOnce };
  const solution = solve(service, inFlight);
  const replicas = Math.max(solution?.atOnce ?? 1, solution?.onAverage ?? 1);
  return { inFlight, service, solution, tightest, besides: besides(policy, tightest, replicas) };
}

export function solvedText({ inFlight, service, solution, tightest, besides: others }: Solved): string {
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
    `the tightest layer is ${tightest.layer} ${tightest.atOnce}, in each replica`,
    ...others.filter(({ share }) => share < 1).map(besideText),
    '',
    table([['REPLICAS', 'MOST IN FLIGHT', 'REQUESTS/S'], ...rows]),
  ].join('\n');
}

const besideText = ({ layer, atOnce, share }: Beside): string =>
  `${layer} ${atOnce} is tighter where requests hold one for more than ${Math.floor(100 * share)} % of the time that they work`;
