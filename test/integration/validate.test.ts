import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { main } from '../../operator/cli/main.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { constant } from '../workload/load/profile.ts';
import { runLoad } from '../workload/load/run.ts';
import { workloadManifests } from '../workload/manifests.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';
import { clusterRanges, followPods } from '../world/pods.ts';
import { expectCondition, kubeconfigPath, startWorld, type World } from '../world/world.ts';

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `genops ARGS` with this kubeconfig. */
async function genops({ namespace, signal }: World, ...args: readonly string[]): Promise<Answer> {
  let [out, err] = ['', ''];
  const code = await main({
    args: [...args, '--kubeconfig', kubeconfigPath()],
    env: { GENOPS_LEASE_NAMESPACE: namespace },
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    signal,
  });
  return { code, out, err };
}

/** Times that this machine keeps on a bad day, and a window that forgets soon. */
const objectives: PolicySpec['objectives'] = {
  window: '1m',
  workflowDuration: { target: '2s' },
  cachedResponseTime: { target: '2s' },
  cacheHitRatio: { source: 'Workload' },
};
const patience = { withinMs: 150_000 };
let tools: ClusterTools;
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'genops-validate-'));
  await writeFile(path.join(directory, 'policy.yaml'), stringify(performancePolicy({ objectives })));
  tools = await clusterTools(['workload', 'redis'], AbortSignal.timeout(600_000));
}, 600_000);
afterAll(() => rm(directory, { recursive: true }));

/** Twenty requests a second, a quarter of them workflows, while `during` runs. More outweigh the slow ones of a window before it has forgotten them. */
async function underLoad<T>(
  world: World,
  workflow: string,
  during: () => Promise<T>,
  { perSecond = 20 }: { readonly perSecond?: number } = {},
): Promise<T> {
  using pods = followPods(world, 'app=workflow-execution');
  const stop = new AbortController();
  const requests = [
    { method: 'GET', path: '/api/item/{1-20}', weight: 15 },
    { method: 'POST', path: workflow, weight: 5 },
  ] as const;
  const load = runLoad(
    { profile: constant(perSecond, 300), targets: pods.urls, requests, allow: clusterRanges },
    stop.signal,
  );
  try {
    return await during();
  } finally {
    stop.abort();
    await load;
  }
}
const fast = '/api/workflow';
const slow = '/api/workflow?meanMs=5000&cv=0';

test('is 2 where nothing is measured, says so of each objective and why', async () => {
  await using world = await startWorld();
  const validate = (...more: readonly string[]) =>
    genops(world, 'validate', 'generation', '-n', world.namespace, ...more);
  await world.apply(deployment());
  await world.apply(generationService());
  await world.eventually(async () => expectCondition(await world.service(), 'MetricsAvailable', { status: 'False' }));
  const answer = await world.eventually(async () => {
    const seen = await validate();
    expect(seen.out).toMatch(/^❔ WorkflowDuration +no data +target 30s\n[\s\S]*: cannot tell \(0 of 6 met; no data: /);
    return seen;
  });
  expect(answer.code).toBe(2);
  expect(answer.err).toMatch(/^MetricsAvailable: saw 0 replicas in the target of component /);

  await world.apply(generationService({ overrides: { objectives: { memory: { target: '1Gi' } } } }));
  const patient = await validate('--wait', '2s', '-o', 'json');
  expect(patient).toMatchObject({ code: 2, err: expect.stringContaining('/generation: waiting: ') });
  expect(JSON.parse(patient.out)).toMatchObject({ answer: 'Unknown', about: `${world.namespace}/generation` });

  expect(await genops(world, 'validate', 'other', '-n', world.namespace)).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/^genops validate: saw no GenerationService .*\n$/),
  });
}, 120_000);

test('is 0 under a load that is carried, 1 when workflows become slow, and --wait sees them recover', async () => {
  await using world = await startWorld();
  const validate = (...more: readonly string[]) =>
    genops(world, 'validate', 'generation', '-n', world.namespace, '--allow-unexercised', ...more);
  for (const manifest of await workloadManifests(world.namespace)) await world.apply(manifest);
  await tools.kubectl('-n', world.namespace, 'rollout', 'status', 'deployment/workflow-execution', '--timeout=90s');
  await world.apply(performancePolicy({ collector: { interval: '2s', timeout: '1s' }, objectives }));
  await world.apply(generationService({ policyRef: { name: 'standard' } }));

  await underLoad(world, fast, async () => {
    const met = await validate('--wait', '2m');
    expect(met).toMatchObject({ code: 0, out: expect.stringMatching(/^✅ WorkflowDuration +\S+ +target 2s/) });
    expect(met.out).toMatch(/\n➖ ConcurrentWorkflows .* not exercised\n/);
    const strict = await genops(world, 'validate', 'generation', '-n', world.namespace);
    expect(strict).toMatchObject({ code: 2, out: expect.stringMatching(/; not exercised: ConcurrentWorkflows\)\n$/) });
    await world.eventually(() => ofOnePod(world, 0), patience);
  });

  await underLoad(world, slow, async () => {
    await world.eventually(
      async () =>
        expect(await validate()).toMatchObject({
          code: 1,
          out: expect.stringMatching(/^❌ WorkflowDuration +[>0-9.]+s +target 2s/),
          err: '',
        }),
      patience,
    );
    await world.eventually(() => ofOnePod(world, 1), patience);
    const why = await genops(world, 'explain', 'generation', '-n', world.namespace);
    expect(why).toMatchObject({ code: 0, err: '' });
    expect(why.out).toMatch(/\nObjectives not met\n(?: .*\n)*? +❌ WorkflowDuration .* for \d+s\n/);
    expect(why.out).toMatch(
      /\nEvents, newest first\n(?: .*\n)*? +\d+[sm] ago +Warning +ObjectiveMissed +.*WorkflowDuration/,
    );
  });

  const recovery = async (): Promise<void> => {
    const recovered = await validate('--wait', '3m');
    expect(recovered.code).toBe(0);
    expect(recovered.err).toMatch(/^\S+: waiting: \d of \d met; not met: .*WorkflowDuration/);
  };
  await underLoad(world, `${fast}?meanMs=100`, recovery, { perSecond: 100 });
}, 500_000);

/** By the workload's own views, without anything of the operator but its judgement. */
async function ofOnePod(world: World, code: number): Promise<void> {
  using pods = followPods(world, 'app=workflow-execution');
  const url = await world.eventually(() => {
    const [first] = pods.urls();
    if (first === undefined) throw new Error('no Pod is ready');
    return first;
  });
  const args = ['--url', `${url}/`, '--policy', path.join(directory, 'policy.yaml'), '--allow-unexercised'];
  expect(await genops(world, 'validate', ...args)).toMatchObject({
    code,
    out: expect.stringContaining(`${code === 0 ? '✅' : '❌'} WorkflowDuration`),
  });
}
