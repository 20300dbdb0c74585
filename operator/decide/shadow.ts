import { quantity } from '../api/quantity.ts';
import { isServed, type ServedMetric } from '../api/served-metrics.ts';
import type { EffectivePolicy } from './effective-policy.ts';
import type { PodsMetricsWay } from './resolve.ts';

/** The Pods metrics of a component that are folded into its floor, each with the AverageValue to hold per Pod. */
export function shadowedMetrics({
  policy,
  podsMetrics,
}: {
  readonly policy: Pick<EffectivePolicy, 'horizontal'>;
  readonly podsMetrics: PodsMetricsWay;
}): readonly {
  readonly name: ServedMetric;
  readonly target: number;
}[] {
  const { mode, metrics } = policy.horizontal;
  if (podsMetrics === 'MetricsAPI' || mode === 'Off') return [];
  return metrics.flatMap(({ pods }) => {
    if (pods?.target.averageValue === undefined || !isServed(pods.metric.name)) return [];
    return [{ name: pods.metric.name, target: quantity(pods.target.averageValue) }];
  });
}
