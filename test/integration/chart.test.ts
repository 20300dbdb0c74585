import { beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { configMaps, deployments, generationServices } from '../../operator/reconcilers/kinds.ts';
import { workloadManifests } from '../workload/manifests.ts';
import { generationService, performancePolicy } from '../world/builders.ts';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';
import { earlierVersion } from '../world/earlier-version.ts';
import { expectCondition, namespaces, startWorld, type World } from '../world/world.ts';

const patience = { withinMs: 150_000 };
let tools: ClusterTools;
beforeAll(async () => {
  tools = await clusterTools(['operator', 'workload', 'redis'], AbortSignal.timeout(600_000));
}, 600_000);

/** Every Pod uses some memory: up by two at the first look, and then a cooldown of an hour. */
const policy: PolicySpec = {
  collector: { interval: '5s' },
  scaler: {
    interval: '5s',
    cooldown: '1h',
    scaleUp: {
      threshold: 10,
      signals: [{ name: 'memory', metric: 'memoryPercent', operator: 'GreaterThan', value: '0.1', score: 25 }],
    },
  },
};

const floorOf = async (world: World): Promise<number | undefined> =>
  (await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec.minReplicas;
const keptOf = async (world: World): Promise<unknown> => {
  const state = await world.get(configMaps, 'generation-genops-state');
  return (JSON.parse(state?.data?.['state.json'] ?? '{}') as { readonly scaler?: unknown }).scaler;
};

test('helm install tunes a service under the chart’s own rights, helm upgrade from an earlier version forgets no cooldown, helm uninstall leaves the service running and nothing in Terminating', async () => {
  await using world = await startWorld({ operator: false });
  await using stack = new AsyncDisposableStack();
  const earlier = stack.use(await earlierVersion());
  await tools.cluster.loadImage(await earlier.buildImage(), world.signal);
  const system = `${world.namespace}-system`;
  await tools.kubectl('create', 'namespace', system);
  stack.defer(() => tools.kubectl('delete', 'namespace', system, '--ignore-not-found', '--wait=false').then(() => undefined)); // prettier-ignore
  stack.defer(() => tools.helm('uninstall', 'genops', '-n', system, '--ignore-not-found').then(() => undefined));
  await tools.kubectl('label', 'namespace', system, 'pod-security.kubernetes.io/enforce=restricted');
  for (const manifest of await workloadManifests(world.namespace)) await world.apply(manifest);

  const values = {
    image: { tag: 'earlier' },
    replicas: 2,
    namespaces: [world.namespace], // other tests have operators of their own
    secretAccess: [{ namespace: world.namespace, names: ['redis'] }],
  };
  const set = Object.entries(values).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
  const waiting = ['-n', system, '--wait', '--timeout', '90s'];
  await tools.helm('install', 'genops', join(earlier.folder, 'charts/genops'), ...waiting, '--skip-crds', ...set);
  await world.apply(performancePolicy(policy));
  await world.apply(
    generationService({ policyRef: { name: 'standard' }, redis: [{ name: 'cache', secretRef: { name: 'redis' } }] }),
  );
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }), patience);
  await world.eventually(async () => expect(await floorOf(world)).toBe(4), patience);
  const before = await keptOf(world);
  expect(before).toMatchObject({ workflow: { floor: 4, lastScaledAt: expect.any(Number) } });

  const holder = ['get', 'lease', 'genops', '-n', system, '-o', 'jsonpath={.spec.holderIdentity}'];
  const first = await tools.kubectl(...holder);
  /** What the leader has decided since it began, by its own metrics: Holds, or whatever moves a floor. */
  const decided = async (action: 'Hold' | 'ScaleUp'): Promise<number> => {
    const [pod = ''] = (await tools.kubectl(...holder)).split('_');
    const page = await tools.kubectl('get', '--raw', `/api/v1/namespaces/${system}/pods/${pod}:8080/proxy/metrics`);
    return Number(new RegExp(`^genops_scaling_decisions_total\\{action="${action}"\\} (\\d+)`, 'm').exec(page)?.[1]);
  };
  expect(await decided('ScaleUp')).toBeGreaterThanOrEqual(1);
  const today = ['--reset-then-reuse-values', '--set', 'image.tag=dev,networkPolicy.enabled=true'];
  await tools.helm('upgrade', 'genops', 'charts/genops', ...waiting, ...today);
  await world.eventually(async () => {
    const second = await tools.kubectl(...holder);
    expect(second).not.toBe('');
    expect(second).not.toBe(first);
  }, patience);
  await world.eventually(async () => expect(await decided('Hold')).toBeGreaterThanOrEqual(4), patience); // a look each 5 s
  expectCondition(await world.service(), 'ScalerActive', { status: 'True', reason: 'Active' }); // the newest had figures
  expect([await decided('ScaleUp'), await floorOf(world), await keptOf(world)]).toEqual([0, 4, before]);

  await tools.helm('uninstall', 'genops', '-n', system, '--wait', '--timeout', '90s');
  expect(await floorOf(world)).toBe(4);
  const ready = [
    'get',
    'deployment',
    'workflow-execution',
    '-n',
    world.namespace,
    '-o',
    'jsonpath={.status.readyReplicas}',
  ];
  await world.eventually(async () => expect(await tools.kubectl(...ready)).toBe('4'), patience);
  await world.delete(generationServices, 'generation');
  await world.eventually(async () => {
    expect(await world.get(generationServices, 'generation')).toBeUndefined();
    expect(await world.get(configMaps, 'generation-genops-state')).toBeUndefined();
  });
  await tools.kubectl('delete', 'namespace', system, '--timeout=60s');
  expect(await world.kube.get(namespaces, system, world.signal)).toBeUndefined();
  expect((await world.get(deployments, 'workflow-execution'))?.spec.replicas).toBe(4);
}, 500_000);
