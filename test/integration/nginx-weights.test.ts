import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { nginxVersions } from '../../hack/servers/nginx.ts';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';
import { constant } from '../workload/load/profile.ts';
import { parseRequest } from '../workload/load/requests.ts';
import { runLoad } from '../workload/load/run.ts';
import {
  agentKubeconfig,
  behindNginx,
  nginxPod,
  runningPod,
  slice,
  startNginxAgent,
  type AgentOfTest,
} from './nginx-agent-world.ts';
import { ask, ownAddress } from './nginx-world.ts';
import { slottedBackend } from '../world/slotted-backend.ts';

type Weights = NonNullable<NonNullable<NonNullable<GenerationServiceSpec['overrides']>['loadBalancer']>['weights']>;

const flags = ['--no-leader-elect', '--allow-metric-address', '127.0.0.0/8'];
const names = ['first', 'second', 'third'] as const;
/** As the defaults, thirty times as fast. */
const quick = { mode: 'Adaptive', interval: '1s', slowStart: '8s', staleAfter: '6s', minReloadInterval: '2s' } as const;
const average = 32;
/** Long enough that a busy machine adds little to it. */
const [slots, usualMs, slowMs] = [20, 40, 240];

describe.each(nginxVersions)('weights of Pods before nginx %s', (version) => {
  const stack = new AsyncDisposableStack();
  let world: World;
  let agent: AgentOfTest;
  let pods: readonly Awaited<ReturnType<typeof slottedBackend>>[];

  const declare = (weights: Weights, annotations: Readonly<Record<string, string>> = {}) =>
    world.apply(
      generationService(
        {
          overrides: { loadBalancer: { weights }, horizontal: { mode: 'Off' }, runtime: { pools: { ai_api: slots } } },
          ...behindNginx(agent.port),
        },
        { annotations },
      ),
    );
  const weighed = async () => (await agent.report()).loaded?.weights['workflow']?.pods ?? [];
  const weightOf = async (pod: string) => (await weighed()).find((one) => one.pod === pod)?.weight;
  const weights = async () => Object.fromEntries((await weighed()).map(({ pod = '', weight }) => [pod, weight]));
  /** Requests of each Pod, of so many that are sent one after another. */
  const shares = async (count: number): Promise<readonly number[]> => {
    pods.forEach((pod) => pod.taken());
    for (let sent = 0; sent < count; sent += 1) expect((await ask(agent.port, '/api/x')).status).toBe(200);
    return pods.map((pod) => pod.taken());
  };
  const load = new AbortController();
  let loaded: ReturnType<typeof runLoad> | undefined;
  let loadsBefore = 0;

  beforeAll(async () => {
    world = stack.use(await startWorld({ operator: flags }));
    agent = stack.use(
      await startNginxAgent({
        version,
        namespace: world.namespace,
        configMap: 'generation-nginx',
        kubeconfig: (folder) => agentKubeconfig(world, folder),
        entry: '.cache/test/genops.mjs',
      }),
    );
    pods = await Promise.all(names.map(() => slottedBackend(slots, usualMs)));
    for (const pod of pods) stack.use(pod);
    await world.apply(deployment());
    for (const [index, name] of names.entries()) {
      const labels = { 'genops.dev/weight': String(3 - index) };
      await runningPod(world, name, { labels, ip: ownAddress() });
      if (index < 2) await slice(world, name, pods[index]?.port ?? 0);
    }
    await nginxPod(world, agent.statusPort);
    stack.defer(async () => {
      load.abort();
      await loaded;
    });
  });
  afterEach(() => pods.forEach(({ conduct }) => Object.assign(conduct, { serviceMs: () => usualMs, fails: false })));
  afterAll(async () => stack.disposeAsync());

  test('by label: each Pod has just the share that its label says, and another as soon as it says another', async () => {
    await declare({ mode: 'Static', minReloadInterval: '0s' });
    await slice(world, 'third', pods[2]?.port ?? 0);
    await world.eventually(async () => expect(await weights()).toEqual({ first: 3, second: 2, third: 1 }));
    await world.eventually(async () => expect(await shares(60)).toEqual([30, 20, 10]));
    const { loads } = await agent.report();

    await runningPod(world, 'first', { labels: { 'genops.dev/weight': '1' }, ip: ownAddress() });
    await runningPod(world, 'second', { labels: { 'genops.dev/weight': 'many' }, ip: ownAddress() });
    await world.eventually(async () => expect(await weights()).toEqual({ first: 1, second: 1, third: 1 }));
    await world.eventually(async () => expect(await shares(30)).toEqual([10, 10, 10]));
    expect((await agent.report()).loads - loads).toBeLessThanOrEqual(version === '1.22' ? 2 : 0);
    await declare({ mode: 'Static', minReloadInterval: '0s', min: 9 }); // the operator looks at once
    await world.eventually(async () => {
      const { message } = expectCondition(await world.service(), 'LoadBalancerApplied', { status: 'True' });
      expect(message).toContain('but the label genops.dev/weight of second is no weight from 1 to 100');
    });
    await world.eventually(async () =>
      expect((await world.service()).status?.loadBalancer).toMatchObject({ weightMin: 1, weightMax: 1 }),
    );
  });

  test('under steady load nothing is reloaded and nothing written, however often somebody looks', async () => {
    pods.forEach(({ conduct }) => Object.assign(conduct, { serviceMs: () => slowMs })); // what a busy machine adds is little of it
    const calm = { ...quick, interval: '4s' } as const;
    await declare(calm);
    await world.eventually(async () => expect(await weights()).toEqual({ first: 32, second: 32, third: 32 }));
    loadsBefore = (await agent.report()).loads;
    const profile = constant(60, 600);
    loaded = runLoad(
      { profile, targets: () => [`http://127.0.0.1:${agent.port}`], requests: [parseRequest('GET /api/x')] },
      load.signal,
    );
    const stands = async () => ({
      weights: await weights(),
      loads: (await agent.report()).loads,
      written: (await world.get(configMaps, 'generation-nginx'))?.metadata.resourceVersion,
    });
    const before = await stands();
    for (const visit of ['1', '2', '3']) {
      await declare(calm, { 'genops.dev/visit': visit });
      let answered = 0;
      await world.eventually(() => {
        answered += pods.reduce((sum, pod) => sum + pod.taken(), 0);
        expect(answered).toBeGreaterThan(200);
      });
    }
    expect(await stands()).toEqual(before);
  });

  test('as measured: a slow Pod gets less and its share again once it has recovered', async () => {
    await declare(quick);
    const [, , third] = pods;
    if (third === undefined) throw new Error('three Pods');
    third.conduct.serviceMs = () => slowMs;
    await world.eventually(async () => expect(await weightOf('third')).toBeLessThanOrEqual(16));
    const slow = (await weighed()).find(({ pod }) => pod === 'third');
    expect(slow?.errorPercent).toBe(0);
    expect(slow?.serviceMs).toBeGreaterThan(2 * usualMs);
    expect(await weightOf('first')).toBeGreaterThanOrEqual(24);
    const metrics = await (await fetch(`http://127.0.0.1:${agent.statusPort}/metrics`)).text();
    expect(metrics).toMatch(/^genops_nginx_weight\{upstream="workflow",pod="third"\} [1-9][0-9]?$/m);
    expect(metrics).toMatch(/^genops_nginx_upstream_requests_total\{upstream="workflow",result="Served"\} [1-9]/m);
    expect(metrics).toMatch(/^genops_nginx_upstream_requests_total\{upstream="workflow",result="Failed"\} 0$/m);
    expect(metrics).toMatch(/^genops_nginx_upstream_duration_seconds_count\{upstream="workflow"\} [1-9]/m);
    expect(metrics).toMatch(/^genops_nginx_requests_lost_total 0$/m);
    expect(metrics).toMatch(/^genops_nginx_rejections_total 0$/m);
    expect(metrics).toMatch(/^genops_nginx_connections [1-9]/m);
    const { loaded: served, serverVersion } = await agent.report();
    const labels = `generation="[0-9a-f]{12}",settings="${served?.hash}",version="${serverVersion}"`;
    expect(metrics).toMatch(new RegExp(`^genops_nginx_info\\{${labels}\\} 1$`, 'm'));

    third.conduct.serviceMs = () => usualMs;
    await world.eventually(async () => expect(await weightOf('third')).toBeGreaterThanOrEqual(24));
  });

  test('a Pod that fails gets least while it still counts as ready, and is tried again', async () => {
    const [, second] = pods;
    if (second === undefined) throw new Error('three Pods');
    second.conduct.fails = true;
    await world.eventually(async () => expect(await weightOf('second')).toBeLessThanOrEqual(2));
    const failing = (await weighed()).find(({ pod }) => pod === 'second');
    expect(failing?.why).toMatch(/Failing|TooFewRequests|WithinBand/);
    expect((await agent.report()).loaded?.servers).toEqual({ workflow: 3 });
    second.conduct.fails = false;
    await world.eventually(async () => expect(await weightOf('second')).toBeGreaterThanOrEqual(24));
  });

  test('a new Pod grows to its share and never has more', async () => {
    await slice(world, 'third', pods[2]?.port ?? 0, false);
    await world.eventually(async () => expect(await weightOf('third')).toBeUndefined());
    await slice(world, 'third', pods[2]?.port ?? 0);
    const seen: number[] = [];
    await world.eventually(async () => {
      const third = (await weighed()).find(({ pod }) => pod === 'third');
      if (third !== undefined) seen.push(third.weight);
      expect(third?.weight).toBeGreaterThanOrEqual(24);
    });
    expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
    expect(Math.max(...seen)).toBeLessThanOrEqual(average + 4);
  });

  test('without requests weights stay, and go back to the average when what is known is too old', async () => {
    const [first] = pods;
    if (first === undefined) throw new Error('three Pods');
    first.conduct.serviceMs = () => slowMs;
    await world.eventually(async () => expect(await weightOf('first')).toBeLessThanOrEqual(16));
    load.abort();
    const summary = await loaded;
    expect(summary?.failures.TimedOut).toBe(0);
    if (version === '1.31') {
      expect(summary?.failures.Connection).toBe(0); // no retry, on kept connections, whatever weights and Pods did
      expect((await agent.report()).loads).toBe(loadsBefore);
    }
    const whys = new Set<string>();
    await world.eventually(async () => {
      const one = (await weighed()).find(({ pod }) => pod === 'first');
      whys.add(one?.why ?? '');
      expect(one?.weight).toBe(average);
    });
    expect([...whys]).toEqual(expect.arrayContaining(['TooFewRequests', 'Expired']));
  });
});
