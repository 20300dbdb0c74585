import type { Resolved } from '../../decide/resolve.ts';
import { managers } from '../apply-owned.ts';
import { unitMode, type Lever } from '../lever.ts';
import { observe, type HttpRouteDeps } from './observe.ts';
import { plan, restore, type HttpRouteChange, type HttpRouteObserved, type HttpRouteUnit } from './plan.ts';
import { httpRoutes } from './route.ts';

export type { HttpRouteDeps } from './observe.ts';

type HttpRouteLever = Lever<HttpRouteUnit, HttpRouteObserved, HttpRouteChange>;

/** What plans without a cluster. */
export const httpRoutePlanner = {
  name: 'http-route',
  condition: 'LoadBalancerApplied',
  plan,
  restore,
} satisfies Pick<HttpRouteLever, 'name' | 'condition' | 'plan' | 'restore'>;

/** Weights between components in an HTTPRoute that the user has declared: of all else in it nothing is touched. */
export function httpRoute(deps: HttpRouteDeps): HttpRouteLever {
  return {
    ...httpRoutePlanner,
    units,
    observe: (unit, signal) => observe(unit, deps, signal),
    async apply({ operations }, { namespace, routeName }, signal) {
      const options = { manager: managers.declared };
      await deps.kube.patch(httpRoutes, `${namespace}/${routeName}`, operations, options, signal);
      return { result: 'applied' };
    },
  };
}

function units({ service, mode, policy, components }: Resolved): readonly HttpRouteUnit[] {
  const { httpRoute: route } = service.spec.loadBalancer ?? {};
  if (route === undefined) return [];
  const { mode: weigh, deadBandPercent } = policy.loadBalancer.weights;
  return [
    {
      name: route.name,
      mode: unitMode(mode, policy.loadBalancer.mode),
      namespace: service.metadata.namespace,
      routeName: route.name,
      backends: components.flatMap(({ spec: { serviceRef }, target: { selector } }) =>
        serviceRef === undefined ? [] : [{ service: serviceRef.name, selector }],
      ),
      weights: { mode: weigh, deadBandPercent },
    },
  ];
}
