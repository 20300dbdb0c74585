import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../../operator/api/generation-service.ts';
import { resolve, type TargetSeen } from '../../../../operator/decide/resolve.ts';
import { ApiError } from '../../../../operator/kube/api-error.ts';
import type { Kube } from '../../../../operator/kube/client.ts';
import { ownerReference } from '../../../../operator/kube/object.ts';
import type { Resource } from '../../../../operator/kube/resource.ts';
import { gatewayKinds } from '../../../../operator/levers/load-balancer/gateway.ts';
import { loadBalancer } from '../../../../operator/levers/load-balancer/lever.ts';
import {
  apply,
  confirmations,
  intentions,
  observe,
  planAll,
  type AnyLever,
  type LeverMemory,
} from '../../../../operator/levers/run.ts';
import { storedService } from '../../../world/builders.ts';
import { components } from './settings.ts';

const never = new AbortController().signal;

/** A service whose nginx stands there, in front of an API server that has its objects and may refuse to show them. */
function open() {
  const metadata = { uid: 'service' };
  const owner = ownerReference(storedService({ metadata, spec: { components } }), { controller: true });
  const left = new Set(gatewayKinds.map(({ kind }) => kind));
  let isForbidden = false;
  const kube: Pick<Kube, 'get' | 'delete'> = {
    async get({ kind }: Pick<Resource, 'kind'>, target: string) {
      const refused = { status: 403, reason: 'Forbidden', message: `${kind} is forbidden` };
      if (isForbidden) throw new ApiError({ verb: 'get', target }, refused);
      const object = { kind, metadata: { name: target, uid: kind, ownerReferences: [owner] } };
      return (left.has(kind) ? object : undefined) as never;
    },
    delete: async ({ kind }) => void left.delete(kind),
  };
  const lever: AnyLever = loadBalancer({ kube: kube as Kube, agents: undefined, nginxImage: 'genops-nginx:1' });
  let memory: LeverMemory = { 'load-balancer/nginx': { applied: { hash: 'h', gateway: 'g' } } };
  /** As the loop of services does it; status is what a first visit without nginx leaves of it. */
  const visit = async (spec: Partial<GenerationServiceSpec>) => {
    const service = storedService({ metadata, spec: { components, ...spec }, status: {} });
    const targets = new Map<string, TargetSeen>([['workflow', { kind: 'found', replicas: 1, selector: [] }]]);
    const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
    if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
    const observations = await observe([lever], resolution.resolved, never, memory);
    const plans = planAll(observations, { memory, now: 0, verb: 'plan' });
    memory = intentions(plans, memory);
    memory = confirmations(await apply(plans, () => true, never), memory);
    return plans.map(({ condition }) => condition.reason);
  };
  return {
    visit,
    left: () => left.size,
    memory: () => memory,
    forbid: (forbidden: boolean) => void (isForbidden = forbidden),
  };
}

describe.each<{ readonly name: string; readonly spec: Partial<GenerationServiceSpec> }>([
  { name: 'a route takes its place', spec: { loadBalancer: { type: 'HTTPRoute', httpRoute: { name: 'front' } } } },
  { name: 'the service has nothing in front any more', spec: {} },
])('nginx that genops runs, where $name', ({ spec }) => {
  test.each<{
    readonly name: string;
    readonly given: Partial<GenerationServiceSpec>;
    readonly isForbidden?: true;
    readonly reason: string;
  }>([
    { name: 'nobody may look at it', given: {}, isForbidden: true, reason: 'PermissionDenied' },
    { name: 'it only may be said', given: { mode: 'DryRun' }, reason: 'DryRun' },
    { name: 'the lever is off', given: { overrides: { loadBalancer: { mode: 'Off' } } }, reason: 'Off' },
  ])('goes once it may, though at first $name', async ({ given, isForbidden = false, reason }) => {
    const service = open();
    service.forbid(isForbidden);
    for (let visits = 0; visits < 3; visits += 1) expect(await service.visit({ ...spec, ...given })).toEqual([reason]);
    expect(service.left()).toBe(gatewayKinds.length);
    service.forbid(false);
    await service.visit(spec);
    expect(service.left()).toBe(0);
    await service.visit(spec);
    expect(await service.visit(spec)).toEqual([]);
    expect(service.memory()).toEqual({});
  });
});
