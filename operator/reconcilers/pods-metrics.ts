import type { PodsMetricsWay } from '../decide/resolve.ts';
import type { ApiService } from './kinds.ts';

/** The Service that stands before our own metrics API. */
export interface ServiceRef {
  readonly namespace: string;
  readonly name: string;
}

/**
 * MetricsAPI only where the whole group custom.metrics.k8s.io leads to us: with a version of another adapter beside ours, everybody's HPAs would be sent to one of the two at random.
 */
export function podsMetricsWay(apiServices: Iterable<ApiService>, own: ServiceRef | undefined): PodsMetricsWay {
  const group = [...apiServices].filter(({ spec }) => spec.group === 'custom.metrics.k8s.io');
  const isOurs = ({ spec: { service } }: ApiService): boolean =>
    service?.namespace === own?.namespace && service?.name === own?.name;
  return own !== undefined && group.length > 0 && group.every(isOurs) ? 'MetricsAPI' : 'Shadow';
}
