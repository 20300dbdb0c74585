import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import type { FloorLook } from '../../../operator/decide/floor-look.ts';
import type { PodSample } from '../../../operator/decide/pods-metric.ts';
import type { Kube } from '../../../operator/kube/client.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';
import { awaitChange, requeueAfter } from '../../../operator/kube/loop.ts';
import { horizontalPodAutoscalers } from '../../../operator/levers/horizontal/hpa.ts';
import type { ComponentFigures } from '../../../operator/metrics/component-figures.ts';
import { podResource } from '../../../operator/metrics/pod-view.ts';
import { createEffectivePolicies } from '../../../operator/reconcilers/effective-policies.ts';
import { deployments, generationServices, performancePolicies } from '../../../operator/reconcilers/kinds.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import { scaler, type ScalerDeps } from '../../../operator/reconcilers/scaler.ts';
import { createStates } from '../../../operator/reconcilers/state.ts';
import { createLogger } from '../../../operator/telemetry/logger.ts';
import { createMetrics } from '../../../operator/telemetry/metrics.ts';
import { deployment, generationService, hpa } from '../../world/builders.ts';
import { feedCaches } from './fed-caches.ts';

const key = 'ai/generation';
const never = new AbortController().signal;
/** Here it writes nothing and asks nothing, but where a test says so: what it does with a server is told by test/integration/scaling and modes. */
const nobody: Partial<Kube> = {};

/** The Deployment of 9 replicas of a service, and the HPA that we made for it. Figures of its Pods are those that a test names. */
async function openScaler(horizontal: PolicySpec['horizontal'] = {}, kube = nobody) {
  await using stack = new AsyncDisposableStack();
  const world = {
    samples: [] as readonly PodSample[],
    figures: undefined as ComponentFigures | undefined,
    isLeading: true,
    now: 1_800_000_000_000,
    woken: [] as string[],
    told: [] as string[],
    counted: createMetrics(),
  };
  const { caches, put, remove } = stack.use(await feedCaches());
  const deps: ScalerDeps = {
    caches,
    kube: kube as Kube,
    podsMetrics: () => 'Shadow',
    clock: { now: () => world.now },
    states: createStates(kube as Kube, caches.states),
    policies: createEffectivePolicies(),
    accepted: createLastWords(),
    mayAct: () => world.isLeading,
    podSamples: () => world.samples,
    sourceOf: () => 'Pods',
    collector: { windowOf: () => world.figures, rowsOf: () => undefined },
    decisions: createLastWords(),
    services: { add: (woken) => void world.woken.push(woken) },
    events: {
      record: ({ reason, note }) => void world.told.push(`${reason} ${note}`),
      flush: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    metrics: world.counted,
    logger: createLogger({ level: 'error', format: 'json' }),
  };
  const declare = (spec: Partial<GenerationServiceSpec> = {}): Promise<void> =>
    put(
      generationServices,
      generationService({ mode: 'Enforce', deletionPolicy: 'Retain', overrides: { horizontal }, ...spec }),
    );
  /** As the lever made it, or as it is after a move. */
  const autoscale = (minReplicas: number, target = 'workflow-execution'): Promise<void> => {
    const { metadata, spec } = hpa(`${target}-hpa`, { minReplicas, maxReplicas: 20 });
    const ownerReferences = [
      { apiVersion: '', kind: 'GenerationService', name: '', uid: 'generation', controller: true },
    ];
    const scaleTargetRef = { ...spec.scaleTargetRef, name: target };
    return put(horizontalPodAutoscalers, {
      spec: { ...spec, scaleTargetRef },
      metadata: { ...metadata, ownerReferences },
    });
  };
  await put(deployments, deployment('workflow-execution', { replicas: 9 }));
  await declare();
  const first = caches.services.get(key);
  const service = () => {
    const found = caches.services.get(key) ?? first;
    if (found === undefined) throw new Error('a service was declared');
    return found;
  };
  const owned = stack.move();
  return {
    world,
    decisions: deps.decisions,
    looks: (component = 'workflow') => deps.decisions.of(service())?.looks.get(component),
    service,
    /** How often it wanted the floor lower. */
    lowered: async () =>
      (await world.counted.scalingDecisions.get()).values.find(({ labels }) => labels.action === 'ScaleDown')?.value,
    put,
    remove,
    declare,
    autoscale,
    appear: () =>
      put(podResource, { metadata: { name: 'pod', labels: { app: 'workflow-execution' } }, spec: { containers: [] } }),
    /** A scaler that has just started, as after a restart of the operator. */
    start: () => {
      const reconcile = scaler(deps);
      return () => reconcile(key, never);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const cpu: NonNullable<PolicySpec['horizontal']> = {
  metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
};
const idle: readonly PodSample[] = Array.from({ length: 9 }, () => ({ state: 'running', value: 1 }));

describe('the scaler', () => {
  test('wakes nobody while the floor is where it belongs, and still knows its last decision', async () => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    await stage.autoscale(5);
    await stage.appear();
    const last: FloorLook = {
      action: 'ScaleUp',
      from: 2,
      to: 5,
      reason: 'MinReplicas',
      message: '',
      figures: [],
      at: 0,
      heldBy: undefined,
      heldUntil: undefined,
      nextAt: undefined,
    };
    const looks = new Map([['workflow', { newest: last, lastMove: last }]]);
    stage.decisions.put(stage.service(), { problem: undefined, looks });
    expect(await stage.start()()).toEqual(awaitChange); // also with Pods: the HPA reads them itself
    expect(stage.world).toMatchObject({ woken: [], told: [] });
    expect(stage.looks()).toMatchObject({ newest: { action: 'Hold', to: 5 }, lastMove: last });
  });

  test('says nothing of a service without the policy that it names', async () => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    await stage.declare({ policyRef: { name: 'gone' } });
    await stage.autoscale(2);
    expect(await stage.start()()).toEqual(awaitChange);
    expect(stage.decisions.of(stage.service())).toBeUndefined();
  });

  test('goes on with what was accepted last while its policy is gone or contradicts the service, and pauses at once', async () => {
    await using stage = await openScaler();
    const publish = (minReplicas: number): Promise<void> =>
      stage.put(performancePolicies, { metadata: { name: 'shared' }, spec: { horizontal: { minReplicas } } });
    const declare = (spec: Partial<GenerationServiceSpec>): Promise<void> =>
      stage.declare({ policyRef: { name: 'shared' }, overrides: { horizontal: { maxReplicas: 20 } }, ...spec });
    await publish(3);
    await declare({ mode: 'DryRun' });
    await stage.autoscale(9);
    await stage.appear();
    stage.world.samples = idle;
    const visit = stage.start();
    await visit();
    await publish(30); // more than the service's own maxReplicas
    stage.world.now += 300_000;
    expect(await visit()).toEqual(requeueAfter(15_000));
    expect(stage.looks()?.newest).toMatchObject({ from: 9, to: 4, heldBy: 'DryRun' });

    await stage.remove(performancePolicies, 'shared');
    await declare({ mode: 'Paused' });
    await visit();
    expect(stage.looks()?.newest).toMatchObject({ to: 4, heldBy: 'Paused' });
  });

  test('asks again after the policy’s interval where a metric is folded in and there are Pods, and rests before', async () => {
    await using stage = await openScaler();
    await stage.declare({ overrides: { scaler: { interval: '20s' } } });
    await stage.autoscale(2);
    const visit = stage.start();
    expect(await visit()).toEqual(awaitChange);
    await stage.appear();
    expect(await visit()).toEqual(requeueAfter(20_000));
  });

  test('lowers nothing before it has seen a whole window: not when it has started anew, not for a service that was made anew', async () => {
    await using stage = await openScaler();
    const reporting = () => stage.declare({ mode: 'DryRun' });
    await reporting();
    await stage.autoscale(9);
    stage.world.samples = idle;
    const visit = stage.start();
    await visit();
    stage.world.now += 300_000;
    await stage.start()(); // another process has no memory
    expect(await stage.lowered()).toBe(0);

    await stage.remove(generationServices, 'generation');
    expect(await visit()).toEqual(awaitChange);
    await reporting();
    await visit();
    expect(await stage.lowered()).toBe(0);

    stage.world.now += 300_000;
    await visit();
    expect(await stage.lowered()).toBe(1);
  });

  test('moves and tells a floor once, also where it looks again before its cache shows it', async () => {
    let writes = 0;
    const apply: Kube['apply'] = () => {
      writes += 1;
      return Promise.resolve({ name: 'hpa', uid: 'u', resourceVersion: '99', creationTimestamp: '' });
    };
    await using stage = await openScaler({ ...cpu, minReplicas: 5 }, { apply });
    await stage.autoscale(2);
    const visit = stage.start();
    await visit();
    await visit();
    expect({ writes, told: stage.world.told }).toEqual({ writes: 1, told: [expect.stringContaining('2 → 5')] });
    expect(stage.looks()).toMatchObject({ newest: { action: 'Hold', to: 5 }, lastMove: { from: 2, to: 5 } });
  });

  test('moves no floor once another may lead, and asks again soon', async () => {
    let writes = 0;
    const apply: Kube['apply'] = () => {
      writes += 1;
      return Promise.resolve({ name: 'hpa', uid: 'u', resourceVersion: '99', creationTimestamp: '' });
    };
    await using stage = await openScaler({ ...cpu, minReplicas: 5 }, { apply });
    await stage.autoscale(2);
    const visit = stage.start();
    stage.world.isLeading = false;
    await expect(visit()).rejects.toThrow('not the leader any more');
    expect({ writes, told: stage.world.told }).toEqual({ writes: 0, told: [] });
    stage.world.isLeading = true;
    await visit();
    expect({ writes, told: stage.world.told }).toEqual({ writes: 1, told: [expect.stringContaining('2 → 5')] });
  });

  test('tells of each floor that it moved, also where it fails at another component', async () => {
    const tooBusy = new ApiError(
      { verb: 'apply', target: 'it' },
      { status: 429, reason: 'TooManyRequests', message: 'busy' },
    );
    const apply: Kube['apply'] = (_, { metadata }) =>
      metadata.name === 'render-hpa'
        ? Promise.resolve({ name: 'render-hpa', uid: 'u', resourceVersion: '99', creationTimestamp: '' })
        : Promise.reject(tooBusy);
    await using stage = await openScaler({ ...cpu, minReplicas: 5 }, { apply });
    const component = (name: string, target: string) => ({
      name,
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
    });
    await stage.put(deployments, deployment('render', { replicas: 9 }));
    await stage.declare({
      overrides: { horizontal: { ...cpu, minReplicas: 5 } },
      components: [component('workflow', 'workflow-execution'), component('render', 'render')],
    });
    await stage.autoscale(2);
    await stage.autoscale(2, 'render');
    await expect(stage.start()()).rejects.toBe(tooBusy); // so the loop tries again soon
    expect(stage.world.told).toEqual([expect.stringMatching(/^FloorRaised render: floor 2 → 5/)]);
    expect(stage.world.woken).toEqual([key]);
    expect(stage.looks('render')?.lastMove).toMatchObject({ from: 2, to: 5 });
  });

  test('keeps what each look was made from, what holds the floor and until when, also while it moves nothing', async () => {
    await using stage = await openScaler();
    await stage.autoscale(9);
    await stage.appear();
    stage.world.samples = idle.map((sample) => ({ ...sample, observedAt: stage.world.now - 3_000 }));
    const visit = stage.start();
    await visit();
    expect(stage.looks()).toMatchObject({
      newest: {
        action: 'Hold',
        from: 9,
        to: 9,
        reason: 'Stabilizing',
        heldBy: 'ScaleDownStabilization',
        nextAt: stage.world.now + 300_000, // J1: the window that a new process begins
        figures: [{ source: 'Pods', perPod: 1, target: 100, asksFor: 1, observedAt: stage.world.now - 3_000 }],
      },
      lastMove: undefined,
    });
    await stage.remove(generationServices, 'generation');
    await visit();
    expect(stage.looks()).toBeUndefined();
  });
});

describe('a scaler by points', () => {
  const timed = (value: number) => ({ value, observedAt: 1_800_000_000_000 });
  const figures = (cpuPercent: number, responseSeconds: number, requestRatePerPod = 80): ComponentFigures => ({
    coveredMs: 60_000,
    podsReady: 2,
    podsAnswered: 2,
    cpuPercent: timed(cpuPercent),
    memoryPercent: timed(30),
    requestRatePerPod: timed(requestRatePerPod),
    queue: timed(0),
    errorRatio: timed(0),
    histograms: {
      responseTime: {
        bounds: [Infinity],
        counts: Float64Array.of(100),
        sum: 100 * responseSeconds,
        count: 100,
        observedAt: 1_800_000_000_000,
      },
    },
  });
  /** 30 points for response time, 25 for CPU. */
  const busy = figures(90, 2);
  const quiet = figures(5, 0.1, 1);
  const policy = { horizontal: cpu, scaler: { algorithm: 'Score' } } as const;

  /** What the API server was asked, in order: states and floors. */
  async function openScored(overrides: GenerationServiceSpec['overrides'] = policy) {
    const asked: string[] = [];
    const answer = { name: 'it', uid: 'u', resourceVersion: '99', creationTimestamp: '' };
    const keep: Kube['create'] = (_, manifest) => {
      const { data } = manifest as unknown as { readonly data: Readonly<Record<string, string>> };
      asked.push(`state ${data['state.json']}`);
      return Promise.resolve(answer);
    };
    const kube: Partial<Kube> = {
      create: keep,
      update: keep,
      apply: (_, manifest) => {
        asked.push(`floor ${JSON.stringify((manifest as { spec?: unknown }).spec)}`);
        return Promise.resolve(answer);
      },
    };
    const stage = await openScaler(cpu, kube);
    await stage.declare({ overrides });
    await stage.autoscale(2);
    await stage.appear();
    return Object.assign(stage, { asked });
  }

  test('writes down what it is about to do, raises the floor by two, and looks again at its interval', async () => {
    await using stage = await openScored();
    stage.world.figures = busy;
    expect(await stage.start()()).toEqual(requeueAfter(15_000));
    expect(stage.asked).toEqual([
      expect.stringContaining(`"scaler":{"workflow":{"floor":4,"lastScaledAt":${stage.world.now}}}`),
      'floor {"minReplicas":4}',
    ]);
    expect(stage.world.told).toEqual([
      'FloorRaised workflow: floor 2 → 4. up 55 of more than 50 (latency 2 > 1: +30, cpu 90 > 80: +25); down 25 of more than 60 (memory 30 < 40: +25).',
    ]);
  });

  test('moves nothing again within its cooldown, after a restart neither, and does after it', async () => {
    await using stage = await openScored();
    stage.world.figures = busy;
    await stage.start()();
    stage.world.now += 299_000;
    await stage.start()();
    expect(stage.asked).toHaveLength(2);
    expect(stage.looks()?.newest).toMatchObject({ to: 4, reason: 'CoolingDown', heldBy: 'Cooldown' });
    expect(stage.looks()?.newest.nextAt).toBe(stage.world.now + 1_000);
    stage.world.now += 1_000;
    await stage.start()();
    expect(stage.asked.at(-1)).toBe('floor {"minReplicas":6}');
  });

  test('comes down by one after the cooldown, and not below what the policy asks for', async () => {
    await using stage = await openScored();
    stage.world.figures = busy;
    const visit = stage.start();
    await visit();
    stage.world.figures = quiet;
    for (let cooldown = 0; cooldown < 4; cooldown++) {
      stage.world.now += 300_000;
      await visit();
    }
    expect(stage.asked.filter((request) => request.startsWith('floor'))).toEqual(
      [4, 3, 2].map((minReplicas) => `floor ${JSON.stringify({ minReplicas })}`),
    );
  });

  test('lowers nothing while a metric that it needs is missing, and says so', async () => {
    await using stage = await openScored();
    stage.world.figures = busy;
    const visit = stage.start();
    await visit();
    stage.world.now += 300_000;
    const { cpuPercent: _, ...rest } = quiet;
    stage.world.figures = rest;
    await visit();
    expect(stage.asked).toHaveLength(2);
    expect(stage.looks()?.newest).toMatchObject({
      action: 'Hold',
      to: 4,
      reason: 'MetricsStale',
      heldBy: 'MetricsStale',
    });
  });

  test.each([
    { name: 'the scaler is in DryRun', overrides: { ...policy, scaler: { mode: 'DryRun' } } },
    { name: 'the horizontal part is in DryRun', overrides: { ...policy, horizontal: { ...cpu, mode: 'DryRun' } } },
  ] as const)('says what it would do where $name, and does nothing', async ({ overrides }) => {
    await using stage = await openScored(overrides);
    stage.world.figures = busy;
    await stage.start()();
    expect(stage.asked).toEqual([]);
    expect(stage.looks()?.newest).toMatchObject({ action: 'ScaleUp', to: 4, heldBy: 'DryRun' });
  });

  test('is none where no layer of the policy says anything of it, or it is off', async () => {
    for (const overrides of [{ horizontal: cpu }, { ...policy, scaler: { mode: 'Off' as const } }]) {
      await using stage = await openScored(overrides);
      stage.world.figures = busy;
      expect(await stage.start()()).not.toEqual(requeueAfter(15_000));
      expect(stage.asked).toEqual([]);
    }
  });
});
