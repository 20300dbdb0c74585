import { ApiError } from '../../kube/api-error.ts';
import type { Kube } from '../../kube/client.ts';
import { configMaps, seenConfigMap } from '../owned-config-map.ts';
import type { LoadBalancerObserved } from './plan.ts';
import type { AgentSaid } from './reports.ts';
import type { UnitMemory } from '../lever.ts';
import { gatewayDeployment, gatewayKinds } from './gateway.ts';
import type { GatewaySeen } from './plan-gateway.ts';
import { gatewayName, hasGateway, isFormer, type FormerUnit, type LoadBalancerUnit } from './unit.ts';

export interface LoadBalancerDeps {
  readonly kube: Kube;
  /** What the agents of the running Pods with these labels say, sorted by the Pods' names; undefined where nobody may ask them. */
  readonly agents:
    | ((
        namespace: string,
        labels: Readonly<Record<string, string>>,
        signal: AbortSignal,
      ) => Promise<readonly AgentSaid[]>)
    | undefined;
  /** Of nginx with the agent, for gateways; undefined: nobody has told the operator. */
  readonly nginxImage: string | undefined;
}

export async function observe(
  unit: LoadBalancerUnit | FormerUnit,
  { kube, agents, nginxImage }: LoadBalancerDeps,
  signal: AbortSignal,
  memory?: UnitMemory,
): Promise<LoadBalancerObserved> {
  if (isFormer(unit))
    return { configMap: undefined, agents: undefined, gateway: await lookAtGateway(unit, kube, signal) };
  const [found, said, gateway] = await Promise.all([
    kube.get(configMaps, `${unit.namespace}/${unit.configMapName}`, signal),
    agents?.(unit.namespace, unit.podLabels, signal),
    unit.gateway === undefined && !hasGateway(memory)
      ? { gateway: [] }
      : lookForGateway(unit, { kube, nginxImage }, signal),
  ]);
  return { configMap: found && seenConfigMap(found), agents: said, ...gateway };
}

/** The rights come with the image: who has neither is told of the image, whether nginx still runs or not. */
async function lookForGateway(
  unit: LoadBalancerUnit,
  { kube, nginxImage }: Pick<LoadBalancerDeps, 'kube' | 'nginxImage'>,
  signal: AbortSignal,
): Promise<Pick<LoadBalancerObserved, 'gateway' | 'denied'>> {
  try {
    return { gateway: await lookAtGateway(unit, kube, signal) };
  } catch (error) {
    const isDenied = error instanceof ApiError && error.status === 403;
    if (!isDenied || nginxImage !== undefined || unit.gateway === undefined) throw error;
    const { namespace, name } = unit.gateway;
    const runs = (await kube.get(gatewayDeployment, `${namespace}/${name}`, signal)) !== undefined;
    return { gateway: [], ...(runs ? { denied: error.message } : {}) };
  }
}

/** Objects with the gateway's name, whoever made them. */
async function lookAtGateway(
  { namespace, owner }: LoadBalancerUnit | FormerUnit,
  kube: Kube,
  signal: AbortSignal,
): Promise<GatewaySeen> {
  const key = `${namespace}/${gatewayName(owner.name)}`;
  const found = await Promise.all(
    gatewayKinds.map(async (resource) => ({ resource, object: await kube.get(resource, key, signal) })),
  );
  return found.flatMap(({ resource, object }) =>
    object === undefined || object.metadata.deletionTimestamp !== undefined ? [] : [{ resource, object }],
  );
}
