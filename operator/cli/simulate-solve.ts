import type { EffectivePolicy } from '../decide/effective-policy.ts';
import { significant } from '../decide/significant.ts';
import { slotsOf, slotsPool } from '../decide/slots.ts';
import { besides, missingLayers, tightestOf, type Beside, type Layer, type Missing } from '../simulate/layers.ts';
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
  /** What is not among these, for want of a figure. */
  readonly missing: readonly Missing[];
}

/** What the objective of a policy takes of a service. */
export function solved(policy: EffectivePolicy, declared: ReadonlySet<string>, asked: Service): Solved {
  const { objectives } = policy;
  const inFlight = objectives.concurrentWorkflows.target;
  const layer = slotsOf(policy) === asked.slots ? `runtime.pools.${slotsPool}` : '--slots';
  const tightest = tightestOf(policy, { layer, atOnce: asked.slots });
  const service = { ...asked, slots: tightest.atOnce };
  const solution = solve(service, inFlight);
  const replicas = Math.max(solution?.atOnce ?? 1, solution?.onAverage ?? 1);
  const [others, missing] = [besides(policy, tightest, replicas), missingLayers(policy, declared)];
  return { inFlight, service, solution, tightest, besides: others, missing };
}

export function solvedText({ inFlight, service, solution, tightest, besides: others, missing }: Solved): string {
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
    `not given: ${missing.map(({ layer, why }) => `${layer} (${why})`).join('; ')}`,
    '',
    table([['REPLICAS', 'MOST IN FLIGHT', 'REQUESTS/S'], ...rows]),
  ].join('\n');
}

const besideText = ({ layer, atOnce, share }: Beside): string =>
  `${layer} ${atOnce} is tighter where requests hold one for more than ${Math.floor(100 * share)} % of the time that they work`;
