import { beforeAll, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { constant } from '../workload/load/profile.ts';
import { runLoad } from '../workload/load/run.ts';
import { workloadManifests } from '../workload/manifests.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';
import { clusterRanges, followPods } from '../world/pods.ts';
import { restricted } from '../world/ready-pod.ts';
import { events, expectCondition, startWorld, type World } from '../world/world.ts';

/** WorkflowDuration alone decides: p95 of a minute, at most a second. */
const policy: PolicySpec = {
  collector: { interval: '2s', timeout: '1s' },
  objectives: {
    window: '1m',
    attainmentWindow: '1h',
    workflowDuration: { target: '1s' },
    concurrentWorkflows: { mode: 'Off' },
    cachedResponseTime: { mode: 'Off' },
    memory: { mode: 'Off' },
    cacheHitRatio: { mode: 'Off' },
    successRatio: { mode: 'Off' },
  },
};
const patience = { withinMs: 150_000 };
let tools: ClusterTools;

beforeAll(async () => {
  tools = await clusterTools(['workload', 'redis'], AbortSignal.timeout(600_000));
}, 600_000);

const workflowOf = (meanMs: number): string => `/api/workflow?meanMs=${meanMs}&cv=0.1&cpuMs=1`;

/** What a Pod does first is slow, and would be most of what its service is judged by at first. */
async function warmUp(world: World): Promise<void> {
  using pods = followPods(world, 'app=workflow-execution');
  await world.eventually(() => expect(pods.urls()).toHaveLength(2));
  for (const url of pods.urls())
    for (let count = 0; count < 5; count += 1)
      await (await fetch(`${url}${workflowOf(200)}`, { method: 'POST', signal: world.signal })).text();
}

/** Workflows that take so long each, over all Pods, until the check passes. Many short ones outweigh the slow ones of a window before it has forgotten them. */
async function withWorkflowsOf(
  meanMs: number,
  world: World,
  check: () => Promise<unknown>,
  { perSecond = 2 }: { readonly perSecond?: number } = {},
): Promise<void> {
  using pods = followPods(world, 'app=workflow-execution');
  const stop = new AbortController();
  const load = runLoad(
    {
      profile: constant(perSecond, 240),
      targets: pods.urls,
      requests: [{ method: 'POST', path: workflowOf(meanMs), weight: 1 }],
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

/** Each status that ObjectivesMet had, one after the other. */
function followObjectives(world: World): Disposable & { readonly seen: readonly string[] } {
  const seen: string[] = [];
  const look = async (): Promise<void> => {
    const { status } = await world.service();
    const said = status?.conditions?.find(({ type }) => type === 'ObjectivesMet')?.status;
    if (said !== undefined && said !== seen.at(-1)) seen.push(said);
  };
  const timer = setInterval(() => void look().catch(() => undefined), 500); // the test's own assertions say when the API server is gone
  return { seen, [Symbol.dispose]: () => clearInterval(timer) };
}

const objectiveOf = async (world: World) => (await world.service()).status?.objectives?.[0];
const toldOf = async (world: World): Promise<readonly string[]> =>
  (await world.kube.list(events, { namespace: world.namespace }, world.signal))
    .filter(({ reason }) => reason.startsWith('Objective'))
    .map(({ reason, type }) => `${type} ${reason}`)
    .toSorted();

test('a workload that becomes slow misses its objective, with an Event, and one that is fast again meets it: once each, and what was missed survives a restart', async () => {
  await using world = await startWorld();
  for (const manifest of await workloadManifests(world.namespace)) await world.apply(manifest);
  await tools.kubectl('-n', world.namespace, 'rollout', 'status', 'deployment/workflow-execution', '--timeout=90s');
  await warmUp(world);
  await world.apply(performancePolicy(policy));
  await world.apply(generationService({ policyRef: { name: 'standard' } }));
  // The condition alone is True as well while nobody asks.
  const became = (state: 'Met' | 'NotMet') => async (): Promise<void> => {
    expectCondition(await world.service(), 'ObjectivesMet', { status: state === 'Met' ? 'True' : 'False' });
    expect(await objectiveOf(world)).toMatchObject({ state });
  };
  using follow = followObjectives(world);

  await withWorkflowsOf(200, world, became('Met'));
  expect(await objectiveOf(world)).toMatchObject({ state: 'Met', target: '1s', attainment: '1' });
  expect(await toldOf(world)).toEqual([]); // met after it was unknown is no news

  await withWorkflowsOf(3_000, world, became('NotMet'));
  await world.eventually(async () => expect(await toldOf(world)).toEqual(['Warning ObjectiveMissed']));
  const missedAt = performance.now();

  await withWorkflowsOf(50, world, became('Met'), { perSecond: 40 });
  await world.eventually(async () =>
    expect(await toldOf(world)).toEqual(['Normal ObjectiveMet', 'Warning ObjectiveMissed']),
  );
  const missedSeconds = (performance.now() - missedAt) / 1_000;
  const afterwards = await objectiveOf(world);
  expect(Number(afterwards?.attainment)).toBeLessThan(1);
  const labels = { namespace: world.namespace, name: 'generation', objective: 'WorkflowDuration' };
  const attainment = await world.operator.counter('genops_objective_attainment_ratio', labels);
  expect(attainment).toBeGreaterThan(0.1);
  expect(attainment).toBeLessThan(0.95);
  const burnRate = await world.operator.counter('genops_error_budget_burn_rate', { ...labels, window: '1h' });
  expect(burnRate).toBeGreaterThan((0.8 * missedSeconds) / (0.01 * 3_600)); // of what an hour may miss; what is told comes a little later

  await world.restartOperator();
  const state = await world.get(configMaps, 'generation-genops-state');
  expect(JSON.parse(state?.data?.['state.json'] ?? '{}')).toMatchObject({
    rollUps: { hours: { WorkflowDuration: expect.stringMatching(/\/\d/) } },
  });
  await withWorkflowsOf(200, world, async () => {
    const known = await world.operator.counter('genops_objective_attainment_ratio', labels);
    expect(known).toBeGreaterThan(attainment - 0.01); // fast since then, and nothing of the slow time is forgotten
    expect(known).toBeLessThan(0.98);
  });
  const known = follow.seen.filter((status) => status !== 'Unknown');
  expect(known.filter((status, at) => status !== known[at - 1])).toEqual(['True', 'False', 'True']);
}, 700_000);

test('a Pod that its node kills for its memory misses the objective, whatever was measured of it, and the objective says so', async () => {
  await using world = await startWorld();
  const fill = 'setTimeout(() => { globalThis.kept = Buffer.alloc(200 * 2 ** 20, 1) }, 5e3)';
  const container = {
    image: 'genops-workload:dev',
    imagePullPolicy: 'IfNotPresent',
    command: ['/usr/bin/node', '-e', fill],
    resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { cpu: '500m', memory: '96Mi' } },
    securityContext: restricted,
  };
  await world.apply(deployment('workflow-execution', { replicas: 1, ...container }));
  const objectives = { ...policy.objectives, workflowDuration: { mode: 'Off' }, memory: { target: '1Gi' } } as const;
  await world.apply(performancePolicy({ ...policy, objectives }));
  await world.apply(generationService({ policyRef: { name: 'standard' } }));
  await world.eventually(async () => {
    const { status } = await world.service();
    expect(status?.objectives?.find(({ name }) => name === 'Memory')).toMatchObject({ state: 'NotMet', target: '1Gi' });
    const said = expectCondition(await world.service(), 'ObjectivesMet', { status: 'False', reason: 'NotMet' });
    expect(said.message).toContain('not met: Memory (1Gi; a container was killed for its memory (OOMKilled))');
  }, patience);
  await world.eventually(async () => expect(await toldOf(world)).toEqual(['Warning ObjectiveMissed']));
}, 300_000);
