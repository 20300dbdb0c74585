import { beforeAll, expect, test } from '@jest/globals';
import { Agent } from 'undici';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { deployments } from '../../operator/reconcilers/kinds.ts';
import { runLoad } from '../workload/load/run.ts';
import { constant } from '../workload/load/profile.ts';
import { workloadManifests } from '../workload/manifests.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';
import { clusterRanges, followPods } from '../world/pods.ts';
import { events, expectCondition, startWorld, type World } from '../world/world.ts';

/** requests_per_second alone moves it: the Pods never reach ten times their CPU request. */
const horizontal: PolicySpec['horizontal'] = {
  maxReplicas: 6,
  metrics: [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 1000 } } },
    {
      type: 'Pods',
      pods: { metric: { name: 'requests_per_second' }, target: { type: 'AverageValue', averageValue: '20' } },
    },
  ],
  behavior: {
    scaleUp: { stabilizationWindowSeconds: 0 },
    scaleDown: { stabilizationWindowSeconds: 5, policies: [{ type: 'Percent', value: 100, periodSeconds: 5 }] },
  },
};
/** Rates are those of three intervals. */
const often = { interval: '3s', timeout: '2s' };
const patience = { withinMs: 150_000 };
let tools: ClusterTools;

beforeAll(async () => {
  tools = await clusterTools(['operator', 'workload', 'redis'], AbortSignal.timeout(600_000));
}, 600_000);

const replicas = async (world: World): Promise<number> =>
  (await world.get(deployments, 'workflow-execution'))?.spec.replicas ?? 0;

/** 100 requests a second over all Pods until the check passes. */
async function underLoad(world: World, check: () => Promise<unknown>): Promise<void> {
  using pods = followPods(world, 'app=workflow-execution');
  const stop = new AbortController();
  const load = runLoad(
    {
      profile: constant(100, 240),
      targets: pods.urls,
      requests: [{ method: 'GET', path: '/api/item/{1-500}', weight: 1 }],
      allow: clusterRanges,
    },
    stop.signal,
  );
  try {
    await world.eventually(check, patience);
  } finally {
    stop.abort();
    await load;
  }
}

async function startWorkload(world: World): Promise<void> {
  for (const manifest of await workloadManifests(world.namespace)) await world.apply(manifest);
  await tools.kubectl('-n', world.namespace, 'rollout', 'status', 'deployment/workflow-execution', '--timeout=90s');
}

test('kubectl get gensvc alone says that no Pod is ready though the settings are in force, and that all is measured once they are', async () => {
  await using world = await startWorld();
  const lines = async (): Promise<string> => {
    const table = await tools.kubectl('-n', world.namespace, 'get', 'gensvc');
    expect(Math.max(...table.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120);
    return table;
  };
  await world.apply(deployment());
  await world.apply(performancePolicy({ collector: { interval: '2s', timeout: '1s' } }));
  await world.apply(generationService({ policyRef: { name: 'standard' } }));
  await world.eventually(async () =>
    expect(await lines()).toMatch(
      /^NAME +MODE +READY +METRICS +OBJECTIVES +GRADE +AGE *\ngeneration +Enforce +True +NoPods +0\/6 +\w+ *\n$/,
    ),
  );

  await startWorkload(world);
  await world.eventually(async () =>
    expect(await lines()).toMatch(
      /\ngeneration +Enforce +True +Fresh +[1-6]\/[1-6] +(Excellent|Good|Fair|Poor) [1-4]\/4 +\w+ *\n$/,
    ),
  );
}, 200_000);

test('Shadow: load raises the floor, the real HPA follows it, and both come down again when the load is gone', async () => {
  await using world = await startWorld();
  await startWorkload(world);
  await world.apply(performancePolicy({ collector: often, scaler: { interval: '5s' }, horizontal }));
  await world.apply(generationService({ policyRef: { name: 'standard' } }));
  await world.eventually(async () => expectCondition(await world.service(), 'MetricsAvailable', { status: 'True' }));
  expect((await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec.metrics).toHaveLength(1);

  await underLoad(world, async () => expect(await replicas(world)).toBeGreaterThanOrEqual(5));
  const { status } = await world.service();
  expect(status?.components?.[0]?.decision).toMatchObject({
    action: 'ScaleUp',
    reason: 'LoadHigh',
    message: expect.stringContaining('requests_per_second is '),
  });
  const { time = '', nextEligibleTime = '' } = status?.components?.[0]?.decision ?? {};
  expect(Date.parse(nextEligibleTime)).toBeGreaterThan(Date.parse(time)); // the next look, or the end of a rate
  expect(
    (await world.kube.list(events, { namespace: world.namespace }, world.signal)).map(({ reason }) => reason),
  ).toContain('FloorRaised');

  await world.eventually(async () => expect(await replicas(world)).toBe(2), patience);
}, 400_000);

/** Asks every replica of an installed operator for the load of the service, as somebody with the role `view` in its namespace. */
async function loadViews(world: World, system: string): Promise<readonly unknown[]> {
  const ca = await tools.kubectl(
    '-n',
    system,
    'get',
    'secret',
    'genops-tls',
    '-o',
    'go-template={{index .data "ca.crt"}}',
  );
  const connect = { ca: Buffer.from(ca, 'base64').toString(), servername: `genops.${system}.svc` };
  await using dispatcher = { agent: new Agent({ connect }), [Symbol.asyncDispose]: () => dispatcher.agent.close() };
  const authorization = `Bearer ${(await tools.kubectl('-n', world.namespace, 'create', 'token', 'viewer')).trim()}`;
  const path = `/namespaces/${world.namespace}/generationservices/generation/api/performance/load`;
  const addresses = await tools.kubectl('-n', system, 'get', 'pods', '-o', 'jsonpath={.items[*].status.podIP}');
  return Promise.all(
    addresses.split(' ').map(async (address) => {
      const options = { origin: `https://${address}:8443`, path, method: 'GET', headers: { authorization } } as const;
      const { statusCode, body } = await dispatcher.agent.request(options);
      return { status: statusCode, body: await body.json() };
    }),
  );
}

test('MetricsAPI: installed by its chart with two replicas under their own rights, they serve the metric and the views, and the real HPA scales by it', async () => {
  await using world = await startWorld({ operator: false });
  await startWorkload(world);
  const system = `${world.namespace}-system`;
  await tools.kubectl('create', 'namespace', system);
  try {
    await tools.kubectl('label', 'namespace', system, 'pod-security.kubernetes.io/enforce=restricted');
    const values = {
      image: { tag: 'dev' },
      replicas: 2,
      metricsAPI: { enabled: true },
      views: { enabled: true },
      namespaces: [world.namespace], // other tests have operators of their own
      secretAccess: [{ namespace: world.namespace, names: ['redis'] }],
    };
    const set = Object.entries(values).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
    await tools.helm(
      'install',
      'genops',
      'charts/genops',
      '-n',
      system,
      '--skip-crds',
      '--wait',
      '--timeout',
      '90s',
      ...set,
    );
    await world.apply(performancePolicy({ collector: often, horizontal }));
    await world.apply(
      generationService({ policyRef: { name: 'standard' }, redis: [{ name: 'cache', secretRef: { name: 'redis' } }] }),
    );
    await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }), patience);
    expect((await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec).toMatchObject({
      minReplicas: 2,
      metrics: [{ type: 'Resource' }, { type: 'Pods' }],
    });

    const viewer = [
      'create',
      'rolebinding',
      'viewer',
      '--clusterrole=view',
      `--serviceaccount=${world.namespace}:viewer`,
    ];
    await tools.kubectl('-n', world.namespace, 'create', 'serviceaccount', 'viewer');
    await tools.kubectl('-n', world.namespace, ...viewer);
    await underLoad(world, async () => {
      expect(await replicas(world)).toBeGreaterThanOrEqual(5);
      const seen = { status: 200, body: { total: { requestRate: expect.any(Number), p95: expect.any(Number) } } };
      expect(await loadViews(world, system)).toMatchObject([seen, seen]);
    });
    const told = await tools.kubectl(
      '-n',
      world.namespace,
      'get',
      'events',
      '-o',
      'jsonpath={range .items[?(@.reason=="SuccessfulRescale")]}{.message}{"\\n"}{end}',
    );
    expect(told).toContain('pods metric requests_per_second above target');
    expect((await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec.minReplicas).toBe(2); // the floor stayed: the HPA itself decided
    await world.eventually(async () => expect(await replicas(world)).toBe(2), patience);
    // a right that is missing; what is forbidden in a namespace that is being removed is another test's
    const logs = ['logs', '-l', 'app.kubernetes.io/name=genops', '--tail=-1'];
    expect(await tools.kubectl('-n', system, ...logs)).not.toMatch(/forbidden: User/i);
  } finally {
    await tools.helm('uninstall', 'genops', '-n', system, '--ignore-not-found');
    await tools.kubectl('delete', 'namespace', system, '--wait=false');
  }
}, 500_000);
