import { expect, test } from '@jest/globals';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { configMaps, deployments } from '../../operator/reconcilers/kinds.ts';
import type { KeptScaler } from '../../operator/reconcilers/scaler-algorithm.ts';
import { deployment, generationService, hpa, performancePolicy } from '../world/builders.ts';
import { isRollingOut } from '../../operator/reconcilers/roll-out.ts';
import { readyPod, restricted } from '../world/ready-pod.ts';
import { onlyRead } from '../world/rights.ts';
import { events, expectCondition, startWorld, type World } from '../world/world.ts';
import { listening } from './source-world.ts';

const byHand = { manager: 'kubectl' } as const;
const patience = { withinMs: 90_000 };
const flags = ['--allow-metric-address', '127.0.0.0/8', '--no-leader-elect'];

/** What stands for a Pod: so many requests a second, each of as many seconds, and what is in it now. */
async function openWorkload() {
  const world = { perSecond: 25, responseSeconds: 0.05, inFlight: 0, queue: 0, requests: 0, isNumber: true };
  const counted = { seconds: 0, slow: 0, at: performance.now() };
  const histogram = (name: string): readonly string[] => [
    `# TYPE ${name} histogram`,
    `${name}_bucket{le="0.1"} ${world.requests - counted.slow}`,
    `${name}_bucket{le="1"} ${world.requests - counted.slow}`,
    `${name}_bucket{le="+Inf"} ${world.requests}`,
    `${name}_sum ${counted.seconds}`,
    `${name}_count ${world.isNumber ? world.requests : 'NaN'}`,
  ];
  const server = await listening((_, response) => {
    const now = performance.now();
    const more = (world.perSecond * (now - counted.at)) / 1_000; // parts too: one more or less between two looks is no news
    counted.at = now;
    world.requests += more;
    counted.seconds += more * world.responseSeconds;
    if (world.responseSeconds > 0.1) counted.slow += more;
    const lines = [
      ...histogram('http_server_request_duration_seconds'),
      ...histogram('generation_workflow_duration_seconds'),
      '# TYPE generation_workflows_in_flight gauge',
      `generation_workflows_in_flight ${world.inFlight}`,
      '# TYPE generation_queue_length gauge',
      `generation_queue_length ${world.queue}`,
    ];
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(`${lines.join('\n')}\n`);
  });
  return Object.assign(world, { port: server.port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() });
}

/** A service of one Deployment; only the Pod that a test stands for is Ready, as no node takes the others. */
async function openService(world: World, port: number, spec: PolicySpec, container: object = {}): Promise<void> {
  const made = deployment('workflow-execution', { replicas: 2, ...container });
  const { template } = made.spec;
  const pod = { ...template.spec, schedulerName: 'nobody' };
  await world.apply({ ...made, spec: { ...made.spec, template: { ...template, spec: pod } } });
  await readyPod(world, port);
  await world.apply(
    performancePolicy({ collector: { interval: '2s', timeout: '1s' }, horizontal: { metrics: [cpu] }, ...spec }),
  );
  await world.apply(generationService({ policyRef: { name: 'standard' } }));
}

const cpu = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
} as const;
const soon = { stabilizationWindowSeconds: 0 };
const requests = {
  type: 'Pods',
  pods: { metric: { name: 'requests_per_second' }, target: { type: 'AverageValue', averageValue: '20' } },
} as const;
const byRequests = { metrics: [cpu, requests], behavior: { scaleUp: soon, scaleDown: soon } };
/** How long workflows take, and nothing else. */
const durations: PolicySpec['objectives'] = {
  window: '1m',
  workflowDuration: { target: '1s' },
  concurrentWorkflows: { mode: 'Off' },
  cachedResponseTime: { mode: 'Off' },
  memory: { mode: 'Off' },
  cacheHitRatio: { mode: 'Off' },
  successRatio: { mode: 'Off' },
};

const floorOf = async (world: World): Promise<number | undefined> =>
  (await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec.minReplicas;
const replicasOf = async (world: World): Promise<number | undefined> =>
  (await world.get(deployments, 'workflow-execution'))?.spec.replicas;
const decisionOf = async (world: World) => (await world.service()).status?.components?.[0]?.decision;

test.concurrent(
  'Score: when answers get slow the floor rises by two, the real HPA follows and the objective is met again; an operator that was killed knows the cooldown',
  async () => {
    await using workload = await openWorkload();
    await using world = await startWorld({ operator: flags });
    const scaler = { interval: '5s', cooldown: '1h', scaleUp: { threshold: 25 } }; // response time alone gives 30
    await openService(world, workload.port, { scaler, objectives: durations });
    await world.eventually(async () => expect(await floorOf(world)).toBe(2), patience);
    await world.eventually(
      async () => expectCondition(await world.service(), 'ObjectivesMet', { status: 'True' }),
      patience,
    );

    workload.responseSeconds = 2;
    await world.eventually(async () => expect(await floorOf(world)).toBe(4), patience);
    await world.eventually(async () => expect(await replicasOf(world)).toBe(4), patience);
    const missed = { status: 'False', reason: 'NotMet' } as const;
    await world.eventually(async () => expectCondition(await world.service(), 'ObjectivesMet', missed), patience);
    await world.eventually(async () => {
      expect(await decisionOf(world)).toMatchObject({
        action: 'ScaleUp',
        from: 2,
        to: 4,
        reason: 'LoadHigh',
        message: expect.stringMatching(
          /^up 30 of more than 25 \(latency [12]\S* > 1: \+30; cpu missing, memory missing\)/,
        ),
      });
    });
    const told = await world.kube.list(events, { namespace: world.namespace }, world.signal);
    expect(told.map(({ reason }) => reason)).toContain('FloorRaised');
    const kept = (await world.get(configMaps, 'generation-genops-state'))?.data?.['state.json'] ?? '';
    expect(JSON.parse(kept)).toMatchObject({ scaler: { workflow: { floor: 4 } } });

    Object.assign(workload, { responseSeconds: 0.05, perSecond: 5_000 }); // four work off what had piled up: few of the window are slow
    await world.eventually(
      async () => expectCondition(await world.service(), 'ObjectivesMet', { status: 'True' }),
      patience,
    );

    await world.operator.kill();
    await world.restartOperator(flags);
    workload.responseSeconds = 2;
    const before = workload.requests;
    await world.eventually(() => expect(workload.requests).toBeGreaterThan(before + 50_000), patience); // five looks at the Pod, two of the scaler
    expect(await floorOf(world)).toBe(4);
  },
  300_000,
);

test.concurrent(
  'Score: while the API server refuses the floor it climbs no further than one step, and is that step when it may',
  async () => {
    await using workload = await openWorkload();
    await using world = await startWorld({ operator: flags });
    const scaler = { interval: '5s', cooldown: '5s', scaleUp: { threshold: 25 } };
    await openService(world, workload.port, { scaler, objectives: durations });
    await world.eventually(async () => expect(await floorOf(world)).toBe(2), patience);
    const asked = new Map<number, number>(); // by the time of the step
    {
      await using _ = await onlyRead(world.kube, world.namespace, 'horizontalpodautoscalers', world.signal);
      workload.responseSeconds = 2;
      await world.eventually(async () => {
        const state = (await world.get(configMaps, 'generation-genops-state'))?.data?.['state.json'] ?? '{}';
        const { scaler: kept } = JSON.parse(state) as { readonly scaler?: { readonly workflow: KeptScaler } };
        if (kept !== undefined) asked.set(kept.workflow.lastScaledAt, kept.workflow.floor);
        expect(asked.size).toBeGreaterThan(2);
      }, patience);
      const denied = { status: 'False', reason: 'PermissionDenied' } as const;
      expectCondition(await world.service(), 'ScalerActive', denied);
    }
    expect(new Set(asked.values())).toEqual(new Set([4]));
    await world.eventually(async () => {
      const told = await world.kube.list(events, { namespace: world.namespace }, world.signal);
      const raised = told.filter(({ reason }) => reason === 'FloorRaised').map(({ note }) => note);
      expect(raised).toContainEqual(expect.stringMatching(/^workflow: floor 2 → 4\./));
    }, patience);
  },
  200_000,
);

test.concurrent(
  'a roll-out that is on lets no floor be lowered by its figures; when it is over, they count again',
  async () => {
    await using workload = await openWorkload();
    await using world = await startWorld({ operator: flags });
    workload.perSecond = 95;
    const isAdmitted = { securityContext: restricted };
    await openService(world, workload.port, { horizontal: byRequests, scaler: { interval: '5s' } }, isAdmitted);
    await world.eventually(async () => expect(await floorOf(world)).toBe(5), patience); // 95 / 20
    await world.eventually(async () => expect(await replicasOf(world)).toBe(5), patience);

    const change = (...operations: Parameters<World['kube']['patch']>[2]) =>
      world.kube.patch(deployments, `${world.namespace}/workflow-execution`, operations, byHand, world.signal);
    const rolling = (maxUnavailable: number | string) => ({
      op: 'add' as const,
      path: '/spec/strategy',
      value: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable } },
    });
    await change(rolling(0), { op: 'add', path: '/spec/template/metadata/annotations', value: { made: 'anew' } }); // no node takes the new Pod: it goes no further
    const isOn = async () => {
      const found = await world.get(deployments, 'workflow-execution');
      return found !== undefined && isRollingOut(found);
    };
    await world.eventually(async () => expect(await isOn()).toBe(true), patience);
    workload.perSecond = 5;
    const before = workload.requests;
    await world.eventually(() => expect(workload.requests).toBeGreaterThan(before + 75), patience); // three looks of the scaler
    expect(await floorOf(world)).toBe(5);

    await change(rolling('100%'), { op: 'remove', path: '/spec/template/metadata/annotations' });
    await world.eventually(async () => expect(await isOn()).toBe(false), patience);
    await world.eventually(async () => expect(await floorOf(world)).toBe(2), { withinMs: 120_000 });
  },
  400_000,
);

test.concurrent(
  'requests that are counted as NaN are no load of 0: the floor stays, the condition names them, and numbers count again',
  async () => {
    await using workload = await openWorkload();
    await using world = await startWorld({ operator: flags });
    workload.perSecond = 95;
    await openService(world, workload.port, { horizontal: byRequests, scaler: { interval: '5s' } });
    await world.eventually(async () => expect(await floorOf(world)).toBe(5), patience);

    workload.isNumber = false;
    await world.eventually(async () => {
      const said = expectCondition(await world.service(), 'MetricsAvailable', {
        status: 'False',
        reason: 'SignalMissing',
      });
      expect(said.message).toMatch(
        /^saw http_server_request_duration_seconds_count is NaN in the Prometheus exposition/,
      );
    }, patience);
    const before = workload.requests;
    await world.eventually(() => expect(workload.requests).toBeGreaterThan(before + 15 * 95), patience); // three looks of the scaler
    expect(await floorOf(world)).toBe(5);

    Object.assign(workload, { isNumber: true, perSecond: 5 });
    await world.eventually(async () => expect(await floorOf(world)).toBe(2), patience);
  },
  300_000,
);

test.concurrent(
  'Lookahead: when the load steps up the floor rises to what the objective takes, and the real HPA follows',
  async () => {
    await using workload = await openWorkload();
    await using world = await startWorld({ operator: flags });
    Object.assign(workload, { perSecond: 1, inFlight: 8 });
    const runtime = { mode: 'Enforce', pools: { ai_api: 5 } } as const; // the slots, which it would find out else
    await openService(world, workload.port, { runtime, scaler: { algorithm: 'Lookahead', interval: '5s' } });
    const moved = (to: unknown, message: RegExp) =>
      world.eventually(async () => {
        const decision = { action: 'ScaleUp', to, reason: 'LoadHigh', message: expect.stringMatching(message) };
        expect(await decisionOf(world)).toMatchObject(decision);
      }, patience);
    // About 8 slots are busy, of 5 a replica, with the headroom of who has learned nothing yet.
    await moved(expect.any(Number), /^[\d.]+ slots are asked for, of [\d.]+ s a request; \w+ expects /);
    const calm = (await floorOf(world)) ?? NaN;
    expect(calm).toBeLessThanOrEqual(5);

    Object.assign(workload, { perSecond: 4, inFlight: 32 });
    await world.eventually(async () => expect(await floorOf(world)).toBeGreaterThanOrEqual(2 * calm), patience); // 32 slots are 7 full replicas
    await world.eventually(async () => expect(await replicasOf(world)).toBe(await floorOf(world)), patience);
    await moved(await floorOf(world), /: \d+ replicas of 5\.$/);
  },
  200_000,
);

test.concurrent(
  'without an HPA (horizontal.mode: Off) the scaler moves the replicas themselves, from where somebody has put them, and leaves them to an autoscaler of somebody else',
  async () => {
    await using workload = await openWorkload();
    await using world = await startWorld({ operator: flags });
    const scaler = { interval: '5s', cooldown: '5s', scaleUp: { threshold: 25 }, scaleDown: { threshold: 1000 } };
    const horizontal = { mode: 'Off', maxReplicas: 9 } as const;
    await openService(world, workload.port, { scaler, horizontal, objectives: durations });
    workload.responseSeconds = 2;
    await world.eventually(async () => expect(await replicasOf(world)).toBe(4), patience);
    await world.eventually(async () => {
      expect(await decisionOf(world)).toMatchObject({ action: 'ScaleUp', reason: 'LoadHigh' });
      const told = await world.kube.list(events, { namespace: world.namespace }, world.signal);
      expect(told.map(({ note }) => note)).toContainEqual(expect.stringMatching(/^workflow: replicas 2 → 4\. up 30/));
    }, patience);
    await world.eventually(async () => expect(await replicasOf(world)).toBe(9), patience); // 6, 8, and no more than its most
    const limited = { status: 'False', reason: 'CapacityLimited' } as const;
    await world.eventually(async () => expectCondition(await world.service(), 'ObjectivesMet', limited), patience);

    await world.apply(hpa('theirs', { minReplicas: 1, maxReplicas: 5 }));
    await world.eventually(async () => {
      const conflict = { status: 'False', reason: 'Conflict', message: expect.stringContaining('theirs') };
      expectCondition(await world.service(), 'ScalerActive', conflict);
      expect(await replicasOf(world)).toBe(5); // its most
    }, patience);
  },
  300_000,
);
