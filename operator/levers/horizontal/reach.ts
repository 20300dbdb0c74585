import { problemMessage } from '../../api/problem.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import { toleranceOf } from '../../decide/plan-floor.ts';
import { sizedBy, type Sized } from '../../decide/steering.ts';
import type { ContainerView, PodView } from '../../metrics/pod-view.ts';

type Horizontal = EffectivePolicy['horizontal'];
type Metric = Horizontal['metrics'][number];

export interface ReachInput {
  readonly policy: Horizontal;
  /** Of its metrics those that the HPA is scaled by. */
  readonly read: readonly Metric[];
  /** Others add replicas through its floor. */
  readonly isRaised: boolean;
  readonly pods: readonly PodView[];
}

/** Targets that no load brings an HPA above. */
export interface OutOfReach {
  /** There is no other metric: it never adds a replica. */
  readonly isAll: boolean;
  /** What was seen, what was wanted, and the next step. */
  readonly problem: string;
  /** In a few words. */
  readonly remark: string;
}

/**
 * Limits let Pods use no more than so much of what they ask for, and within its tolerance an HPA does nothing.
 *
 * @returns undefined: none, as far as the Pods tell. Where one has no limit or no request nobody knows.
 */
export function outOfReach({ policy, read, isRaised, pods }: ReachInput): OutOfReach | undefined {
  const tolerance = toleranceOf(policy).up;
  const unreachable = read.flatMap((metric) => {
    const [resource, asked] = [sizedBy(metric), targetOf(metric)];
    if (resource === undefined || asked === undefined) return [];
    const most = mostPercent(resource, metric.containerResource?.container, pods);
    return most === undefined || most / asked > 1 + tolerance ? [] : [{ resource, asked, most }];
  });
  if (unreachable.length === 0) return undefined;
  const each = (text: (one: (typeof unreachable)[number]) => string): string => unreachable.map(text).join(' and ');
  const resources = each(({ resource }) => resource);
  const saw = each(
    ({ resource, asked, most }) => `a target of ${asked} % for ${resource}, of which limits let Pods use ${most} %`,
  );
  return {
    isAll: !isRaised && unreachable.length === read.length,
    problem: problemMessage({
      saw,
      wanted: `at most ${each(({ most }) => `${greatestBelow(most, tolerance)} %`)}, since an HPA adds replicas only above ${Number((1 + tolerance).toFixed(3))} times its target`,
      next: `lower averageUtilization in horizontal.metrics, or give Pods a higher limit of ${resources}`,
    }),
    remark: `by ${resources} it never adds a replica (${saw})`,
  };
}

const targetOf = ({ resource, containerResource }: Metric): number | undefined =>
  (resource ?? containerResource)?.target.averageUtilization;

/** Whole percents of what all Pods ask for, as the HPA reckons them. */
function mostPercent(resource: Sized, container: string | undefined, pods: readonly PodView[]): number | undefined {
  const own = pods.flatMap(({ containers }) =>
    containers.filter(({ name }) => container === undefined || name === container),
  );
  const [asked, most] = [requests[resource], limits[resource]].map((of) => sum(own.map(of)));
  return asked === undefined || most === undefined || asked === 0 ? undefined : Math.floor((100 * most) / asked + 1e-9);
}

type Amount = (container: ContainerView) => number | undefined;
const requests: Readonly<Record<Sized, Amount>> = {
  cpu: ({ cpuRequest }) => cpuRequest,
  memory: ({ memoryRequest }) => memoryRequest,
};
const limits: Readonly<Record<Sized, Amount>> = {
  cpu: ({ cpuLimit }) => cpuLimit,
  memory: ({ memoryLimit }) => memoryLimit,
};

/** Undefined where one of them is. */
const sum = (amounts: readonly (number | undefined)[]): number | undefined =>
  amounts.reduce((total, amount) => (total === undefined || amount === undefined ? undefined : total + amount), 0);

const greatestBelow = (most: number, tolerance: number): number => Math.ceil(most / (1 + tolerance)) - 1;
