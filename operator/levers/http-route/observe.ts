import { weightLabel } from '../../api/annotations.ts';
import { weightFrom } from '../../decide/labelled-weight.ts';
import type { Kube } from '../../kube/client.ts';
import { apiVersionOf } from '../../kube/resource.ts';
import { stateOf, type PodView } from '../../metrics/pod-view.ts';
import type { LabelRequirement } from '../../decide/resolve.ts';
import type { HttpRouteObserved, HttpRouteUnit } from './plan.ts';
import { httpRoutes } from './route.ts';

export interface HttpRouteDeps {
  readonly kube: Kube;
  /** As the watch cache has them. */
  readonly podsOf: (of: {
    readonly namespace: string;
    readonly selector: readonly LabelRequirement[];
  }) => readonly PodView[];
}

export async function observe(
  { namespace, routeName, backends, weights }: HttpRouteUnit,
  { kube, podsOf }: HttpRouteDeps,
  signal: AbortSignal,
): Promise<HttpRouteObserved> {
  if ((await kube.discover(apiVersionOf(httpRoutes), httpRoutes.kind, signal)) === undefined) return { kind: 'absent' };
  const route = await kube.get(httpRoutes, `${namespace}/${routeName}`, signal);
  if (route === undefined) return { kind: 'missing' };
  const capacityOf = ({ selector }: HttpRouteUnit['backends'][number]): number =>
    podsOf({ namespace, selector })
      .filter((pod) => stateOf(pod) === 'Ready')
      .reduce((sum, pod) => sum + (weights.mode === 'Static' ? weightFrom(pod.labels[weightLabel]).weight : 1), 0);
  return {
    kind: 'seen',
    uid: route.metadata.uid,
    rules: (route.spec?.rules ?? []).map(({ backendRefs = [] }) => backendRefs),
    capacities: new Map(backends.map((backend) => [backend.service, capacityOf(backend)])),
  };
}
