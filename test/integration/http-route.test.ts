import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { httpRoutes } from '../../operator/levers/http-route/route.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { installHttpRouteKind, removeHttpRouteKind } from '../world/gateway-api.ts';
import { restricted } from '../world/ready-pod.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';

beforeAll(removeHttpRouteKind); // what a run that was killed has left
afterAll(removeHttpRouteKind);

type Weights = NonNullable<NonNullable<GenerationServiceSpec['overrides']>['loadBalancer']>['weights'];
const components = ['workflow', 'cache'] as const;
let visits = 0;
/** Nobody tells the operator of a route that changes: an annotation has it look at once. */
const declare = (world: World, weights: Weights = { mode: 'Equal' }) =>
  world.apply(
    generationService(
      {
        deletionPolicy: 'Restore',
        overrides: { horizontal: { mode: 'Off' }, loadBalancer: { weights } },
        components: components.map((name) => ({
          name,
          targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
          serviceRef: { name: `${name}-svc` },
        })),
        loadBalancer: { type: 'HTTPRoute', httpRoute: { name: 'front' } },
      },
      { annotations: { 'genops.dev/visit': String((visits += 1)) } },
    ),
  );
const told = (world: World, status: 'True' | 'False', reason: string) =>
  world.eventually(async () => {
    await declare(world);
    return expectCondition(await world.service(), 'LoadBalancerApplied', { status, reason });
  });
const weightsOf = async (world: World) =>
  (await world.get(httpRoutes, 'front'))?.spec?.rules?.map(({ backendRefs = [] }) =>
    backendRefs.map(({ name, weight }) => `${name} ${weight}`),
  );

/** That no node has. */
async function readyPod(
  world: World,
  name: string,
  app: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const containers = [{ name: 'app', image: 'app', securityContext: restricted }];
  const spec = { schedulerName: 'nobody', containers };
  await world.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app, ...labels } }, spec });
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const status = { phase: 'Running', podIP: '10.1.1.1', podIPs: [{ ip: '10.1.1.1' }], conditions };
  const options = { manager: 'kubectl', force: true, subresource: 'status' } as const;
  await world.kube.apply(
    podResource,
    { metadata: { namespace: world.namespace, name }, status },
    options,
    world.signal,
  );
}

test('weights of components follow their Ready Pods, are put back when somebody edits them, and go back with the service', async () => {
  await using world = await startWorld();
  for (const name of components) await world.apply(deployment(name));
  await declare(world);
  expect((await told(world, 'False', 'RouteUnusable')).message).toContain('install the Gateway API');
  await installHttpRouteKind(world);
  await world.eventually(async () =>
    expect((await told(world, 'False', 'RouteUnusable')).message).toContain('create it'),
  );

  const backend = (name: string) => ({ name, port: 80 });
  const parentRefs = [{ name: 'gateway' }];
  const rules = [
    { matches: [{ path: { type: 'PathPrefix', value: '/docs' } }], backendRefs: [backend('docs')] },
    { backendRefs: [backend('workflow-svc'), backend('cache-svc')] },
  ];
  await world.apply({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'front' },
    spec: { parentRefs, rules },
  });
  for (const [name, app] of [
    ['w-0', 'workflow'],
    ['w-1', 'workflow'],
    ['c-0', 'cache'],
  ] as const)
    await readyPod(world, name, app);
  await told(world, 'True', 'Applied');
  await world.eventually(async () =>
    expect(await weightsOf(world)).toEqual([['docs 1'], ['workflow-svc 67', 'cache-svc 33']]),
  );

  const edit = [{ op: 'replace', path: '/spec/rules/1/backendRefs/0/weight', value: 5 }] as const;
  await world.kube.patch(httpRoutes, `${world.namespace}/front`, edit, { manager: 'kubectl-edit' }, world.signal);
  await declare(world);
  await world.eventually(async () =>
    expect(await weightsOf(world)).toEqual([['docs 1'], ['workflow-svc 67', 'cache-svc 33']]),
  );
  await world.eventually(async () =>
    expect(await world.operator.counter('genops_drift_total', { lever: 'http-route' })).toBe(1),
  );

  await readyPod(world, 'c-0', 'cache', { 'genops.dev/weight': '4' });
  await declare(world, { mode: 'Static' });
  await world.eventually(async () =>
    expect(await weightsOf(world)).toEqual([['docs 1'], ['workflow-svc 33', 'cache-svc 67']]),
  );

  await world.delete(generationServices, 'generation');
  await world.eventually(async () =>
    expect(await weightsOf(world)).toEqual([['docs 1'], ['workflow-svc 1', 'cache-svc 1']]),
  );
});
