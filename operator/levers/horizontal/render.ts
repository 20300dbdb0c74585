import { isServed } from '../../api/served-metrics.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { PodsMetricsWay } from '../../decide/resolve.ts';
import { scaledBy, type Sized } from '../../decide/steering.ts';
import type { HpaSpec, ObjectReference } from './hpa.ts';

export interface Rendered {
  readonly spec: HpaSpec;
  /** Pods metrics that are folded into the floor instead, because this cluster's metrics API is not ours to serve. */
  readonly shadowed: readonly string[];
  /** Pods metrics that neither we nor, as far as we can see, anybody else serves: one of them in an HPA would block its scale-down for good. */
  readonly unserved: readonly string[];
}

export interface RenderInput {
  readonly targetRef: ObjectReference;
  readonly policy: EffectivePolicy['horizontal'];
  readonly podsMetrics: PodsMetricsWay;
  /** Resources that a VPA sizes: it is not scaled by them. */
  readonly taken?: readonly Sized[];
  /** minReplicas in force; the scaler moves it, so it is kept. Undefined where there is no HPA yet. */
  readonly floor: number | undefined;
  /** It may take no Pod away for now. */
  readonly isHeld?: boolean;
}

/** The HPA that a policy declares, with every default of the API server written out, so that what is read back compares equal. */
export function render({
  targetRef: { apiVersion, kind, name },
  policy,
  podsMetrics,
  taken = [],
  floor,
  isHeld = false,
}: RenderInput): Rendered {
  const named = policy.metrics.flatMap((metric) => (metric.pods === undefined ? [] : [metric.pods.metric.name]));
  const served = named.filter(isServed);
  return {
    spec: {
      scaleTargetRef: { apiVersion, kind, name },
      minReplicas: Math.min(floor ?? policy.minReplicas, policy.maxReplicas),
      maxReplicas: policy.maxReplicas,
      metrics: scaledBy(policy.metrics, { podsMetrics, taken }),
      behavior: {
        scaleDown: {
          selectPolicy: 'Max',
          ...policy.behavior.scaleDown,
          ...(isHeld ? { selectPolicy: 'Disabled' } : {}),
        },
        scaleUp: policy.behavior.scaleUp,
      },
    },
    shadowed: podsMetrics === 'Shadow' ? served : [],
    unserved: named.filter((metric) => !isServed(metric)),
  };
}
