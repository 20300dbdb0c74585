import { slotsOf } from '../../decide/slots.ts';
import type { Resolved } from '../../decide/resolve.ts';
import { ownerReference } from '../../kube/object.ts';
import { unitMode, type Lever, type UnitMemory } from '../lever.ts';
import { apply } from './apply.ts';
import { gatewayLabels, type Gateway } from './gateway.ts';
import { observe, type LoadBalancerDeps } from './observe.ts';
import { plan, type LoadBalancerChange, type LoadBalancerObserved } from './plan.ts';
import { weightsOf } from './reports.ts';
import { gatewayName, hasGateway, type FormerUnit, type LoadBalancerUnit } from './unit.ts';

export type { LoadBalancerDeps } from './observe.ts';

type LoadBalancer = Lever<LoadBalancerUnit | FormerUnit, LoadBalancerObserved, LoadBalancerChange>;

/** What plans without a cluster. */
export const loadBalancerPlanner = { name: 'load-balancer', condition: 'LoadBalancerApplied', plan } satisfies Pick<
  LoadBalancer,
  'name' | 'condition' | 'plan'
>;

/** The nginx in front of the service, by settings in a ConfigMap that the agent beside it follows. There is nothing to put back: it goes with its service, and nginx of the user's serves on with what it has. */
export function loadBalancer(deps: LoadBalancerDeps): LoadBalancer {
  return {
    ...loadBalancerPlanner,
    units: (resolved, memoryOf) => units(resolved, deps, memoryOf?.(unitName)),
    observe: (unit, signal, memory) => observe(unit, deps, signal, memory),
    weightsOf: ({ agents = [] }) => weightsOf(agents),
    apply: (change, unit, signal) => apply(change, unit, deps, signal),
  };
}

const unitName = 'nginx';

/** nginx as it is declared; or, where none is any more, what is left of it: as long as that is remembered, however many visits it takes. */
function units(
  { service, mode, policy, components }: Resolved,
  { nginxImage }: LoadBalancerDeps,
  memory: UnitMemory | undefined,
): readonly (LoadBalancerUnit | FormerUnit)[] {
  const { metadata, spec } = service;
  const { nginx } = spec.loadBalancer ?? {};
  const common = {
    name: unitName,
    mode: unitMode(mode, policy.loadBalancer.mode),
    namespace: metadata.namespace,
    owner: ownerReference(service, { controller: true }),
  };
  if (nginx === undefined) return hasGateway(memory) ? [{ ...common, isFormer: true }] : [];
  const gateway = gatewayOf(service, nginx, policy.loadBalancer.weights.mode === 'Static');
  return [
    {
      ...common,
      configMapName: configMapName(service, nginx),
      policy: policy.loadBalancer,
      nginx,
      components: spec.components,
      podLabels: gateway === undefined ? (nginx.podSelector?.matchLabels ?? {}) : gatewayLabels(gateway.name),
      gateway,
      image: nginxImage,
      slots: Object.fromEntries(
        spec.components.map(({ name }) => [
          name,
          slotsOf(components.find((found) => found.spec.name === name)?.policy ?? policy),
        ]),
      ),
    },
  ];
}

type Nginx = LoadBalancerUnit['nginx'];

function gatewayOf(service: Resolved['service'], nginx: Nginx, readsPods: boolean): Gateway | undefined {
  if (nginx.managed === undefined) return undefined;
  return {
    name: gatewayName(service.metadata.name),
    namespace: service.metadata.namespace,
    owner: ownerReference(service, { controller: true }),
    configMapName: configMapName(service, nginx),
    replicas: nginx.managed.replicas,
    tlsSecretRef: nginx.tlsSecretRef,
    readsPods,
  };
}

const configMapName = ({ metadata }: Resolved['service'], nginx: Nginx): string =>
  nginx.configMapName ?? gatewayName(metadata.name);
