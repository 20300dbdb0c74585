import { isServed } from '../api/served-metrics.ts';
import type { EffectivePolicy } from './effective-policy.ts';
import type { PodsMetricsWay, ResolvedComponent } from './resolve.ts';

/** What a container is sized in. */
export type Sized = 'cpu' | 'memory';

/**
 * Who steers by which resource. Where an HPA scales by a resource that a VPA sizes, each answers to what the other does:
 * the VPA moves the request that the HPA divides by, and more replicas change what the VPA measures.
 */
export interface Steering {
  /** What the VPA is to size; empty: it only recommends. */
  readonly vertical: readonly Sized[];
  /** The same, but nothing while it is held up: what is not sized is for the others to steer by. */
  readonly sized: readonly Sized[];
  /** What the HPA is not to scale by, though the policy has it among its metrics. */
  readonly taken: readonly Sized[];
  /** What both are declared to steer by. */
  readonly both: readonly Sized[];
  /** The policy wants neither to act while there is any of `both`. */
  readonly isRefused: boolean;
  /** The policy wants the VPA to have `both`, and an HPA that loses them has no metric left: it keeps them. */
  readonly leavesNoMetric: boolean;
}

/** The part of a component that decides it. */
export interface Steered {
  readonly policy: Pick<EffectivePolicy, 'horizontal' | 'vertical'>;
  readonly podsMetrics: PodsMetricsWay;
  /** Of the component: see there. */
  readonly vpa?: ResolvedComponent['vpa'];
}

export function steering({ vpa, ...declared }: Steered): Steering {
  if (declared.policy.vertical.mode !== 'Enforce' || vpa === undefined) return { ...undisputed([]), sized: [] };
  const wanted = wantedSteering(declared);
  return vpa === 'HeldUp' ? { ...wanted, sized: [], taken: [] } : { ...wanted, sized: wanted.vertical };
}

type Wanted = Omit<Steering, 'sized'>;

/** Nobody wants what another has, and a VPA has these. */
const undisputed = (vertical: readonly Sized[]): Wanted => ({
  vertical,
  taken: [],
  both: [],
  isRefused: false,
  leavesNoMetric: false,
});

function wantedSteering({ policy: { horizontal, vertical }, podsMetrics }: Pick<Steered, 'policy' | 'podsMetrics'>) {
  const { controlledResources: controlled, conflictResolution } = vertical;
  const scaled = horizontal.mode === 'Enforce' ? horizontal.metrics.map(sizedBy) : [];
  const both = controlled.filter((resource) => scaled.includes(resource));
  if (both.length === 0) return undisputed(controlled);
  const nobodys: Wanted = { ...undisputed([]), both };
  if (conflictResolution === 'Refuse') return { ...nobodys, isRefused: true };
  const asked = askedFor(conflictResolution, both);
  const isLeftNone = scaledBy(horizontal.metrics, { podsMetrics, taken: asked }).length === 0;
  if (isLeftNone && conflictResolution === 'PreferVertical') return { ...nobodys, leavesNoMetric: true };
  const taken = isLeftNone ? [] : asked; // an HPA without a metric scales on cpu 80 %
  const isScaledBy = (resource: Sized): boolean => both.includes(resource) && !taken.includes(resource);
  return { ...nobodys, vertical: controlled.filter((resource) => !isScaledBy(resource)), taken };
}

/** Of what both are to steer by, what the VPA is to have. */
function askedFor(
  conflictResolution: EffectivePolicy['vertical']['conflictResolution'],
  both: readonly Sized[],
): readonly Sized[] {
  if (conflictResolution === 'PreferVertical') return both;
  return conflictResolution === 'Split' ? both.filter((resource) => resource === 'memory') : [];
}

/** Of what is declared, what the HPA itself scales by: not what a VPA sizes (`taken`), and no Pods metric that nobody serves to it. */
export const scaledBy = (
  metrics: EffectivePolicy['horizontal']['metrics'],
  { podsMetrics, taken }: Pick<Steered, 'podsMetrics'> & Pick<Steering, 'taken'>,
): EffectivePolicy['horizontal']['metrics'] =>
  metrics.filter((metric) => {
    const { pods } = metric;
    if (pods !== undefined) return podsMetrics === 'MetricsAPI' && isServed(pods.metric.name);
    return !taken.some((resource) => resource === sizedBy(metric));
  });

/** Of an HPA. */
export type Metric = Pick<EffectivePolicy['horizontal']['metrics'][number], 'resource' | 'containerResource'>;

/** The resource that a metric of an HPA is about. */
export const sizedBy = ({ resource, containerResource }: Metric): Sized | undefined =>
  resource?.name ?? containerResource?.name;
