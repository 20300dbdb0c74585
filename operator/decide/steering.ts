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
}

/** The part of a component that decides it. */
export interface Steered {
  readonly policy: Pick<EffectivePolicy, 'horizontal' | 'vertical'>;
  readonly podsMetrics: PodsMetricsWay;
  /** Of the component: see there. */
  readonly vpa?: ResolvedComponent['vpa'];
}

export function steering({ vpa, ...declared }: Steered): Steering {
  if (declared.policy.vertical.mode !== 'Enforce' || vpa === undefined)
    return { vertical: [], sized: [], taken: [], both: [], isRefused: false };
  const wanted = wantedSteering(declared);
  return vpa === 'HeldUp' ? { ...wanted, sized: [], taken: [] } : { ...wanted, sized: wanted.vertical };
}

function wantedSteering({
  policy: { horizontal, vertical },
  podsMetrics,
}: Pick<Steered, 'policy' | 'podsMetrics'>): Omit<Steering, 'sized'> {
  const { controlledResources: controlled, conflictResolution } = vertical;
  const scaled = horizontal.mode === 'Enforce' ? horizontal.metrics.map(sizedBy) : [];
  const both = controlled.filter((resource) => scaled.includes(resource));
  const without = (left: readonly Sized[]): readonly Sized[] =>
    controlled.filter((resource) => !left.includes(resource));
  if (both.length === 0) return { vertical: controlled, taken: [], both, isRefused: false };
  if (conflictResolution === 'Refuse') return { vertical: [], taken: [], both, isRefused: true };
  const taken = takenBy(conflictResolution, both, { horizontal, podsMetrics });
  return { vertical: without(both.filter((resource) => !taken.includes(resource))), taken, both, isRefused: false };
}

function takenBy(
  conflictResolution: EffectivePolicy['vertical']['conflictResolution'],
  both: readonly Sized[],
  { horizontal, podsMetrics }: Pick<EffectivePolicy, 'horizontal'> & Pick<Steered, 'podsMetrics'>,
): readonly Sized[] {
  if (conflictResolution !== 'Split') return conflictResolution === 'PreferVertical' ? both : [];
  const scalesOtherwise = horizontal.metrics.some(
    (metric) => sizedBy(metric) !== 'memory' && (metric.pods === undefined || podsMetrics === 'MetricsAPI'),
  );
  return scalesOtherwise ? both.filter((resource) => resource === 'memory') : []; // an HPA without a metric scales on cpu 80 %
}

/** Of an HPA. */
export type Metric = Pick<EffectivePolicy['horizontal']['metrics'][number], 'resource' | 'containerResource'>;

/** The resource that a metric of an HPA is about. */
export const sizedBy = ({ resource, containerResource }: Metric): Sized | undefined =>
  resource?.name ?? containerResource?.name;
