import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import type { PodSample } from '../../../operator/decide/pods-metric.ts';
import { refusal } from '../../../operator/kube/api-error.ts';
import type { Discovered, Kube } from '../../../operator/kube/client.ts';
import type { EventInput } from '../../../operator/kube/events.ts';
import { awaitChange, requeueAfter } from '../../../operator/kube/loop.ts';
import { horizontalPodAutoscalers } from '../../../operator/levers/horizontal/hpa.ts';
import { podResource } from '../../../operator/metrics/pod-view.ts';
import { createEffectivePolicies } from '../../../operator/reconcilers/effective-policies.ts';
import { deployments, generationServices } from '../../../operator/reconcilers/kinds.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import { scaler, type ScalerDeps } from '../../../operator/reconcilers/scaler.ts';
import { createStates } from '../../../operator/reconcilers/state.ts';
import { createLogger } from '../../../operator/telemetry/logger.ts';
import { createMetrics } from '../../../operator/telemetry/metrics.ts';
import { deployment, generationService, hpa } from '../../world/builders.ts';
import { feedCaches } from './fed-caches.ts';

const key = 'ai/generation';
const never = new AbortController().signal;
const taken = (manager: string): Error =>
  refusal(
    { verb: 'apply', target: 'HorizontalPodAutoscaler ai/hpa' },
    {
      status: 409,
      body: {
        kind: 'Status',
        reason: 'Conflict',
        details: {
          causes: [
            {
              reason: 'FieldManagerConflict',
              message: `conflict with "${manager}" using autoscaling/v2`,
              field: '.spec.minReplicas',
            },
          ],
        },
      },
    },
  );

/** The Deployment of 9 replicas of a service, and the HPA that we made for it. Figures of its Pods are those that a test names. */
async function openScaler(horizontal: PolicySpec['horizontal'] = {}) {
  await using stack = new AsyncDisposableStack();
  const world = {
    /** What the API server says to a write: undefined, it takes it. */
    refuses: undefined as Error | undefined,
    samples: [] as readonly PodSample[],
    /** What there is beside the kinds that are watched. */
    kinds: [] as readonly Discovered[],
    now: 1_800_000_000_000,
    floors: [] as unknown[],
    woken: [] as string[],
    told: [] as EventInput[],
  };
  const kube: Pick<Kube, 'apply' | 'discover' | 'getSubresource'> = {
    apply: (_, { spec }) => {
      if (world.refuses !== undefined) return Promise.reject(world.refuses);
      world.floors.push(spec);
      return Promise.resolve({ name: 'hpa', uid: 'hpa', resourceVersion: '1', creationTimestamp: '' });
    },
    discover: (_, kind) => Promise.resolve(world.kinds.find(({ resource }) => resource.kind === kind)),
    getSubresource: () => Promise.resolve({ spec: { replicas: 2 }, status: { selector: 'app=workflow' } } as never),
  };
  const { caches, put, remove } = stack.use(await feedCaches(kube));
  const deps: ScalerDeps = {
    caches,
    kube: kube as Kube,
    podsMetrics: () => 'Shadow',
    clock: { now: () => world.now },
    states: createStates(kube as Kube, caches.states),
    policies: createEffectivePolicies(),
    podSamples: () => world.samples,
    decisions: createLastWords(),
    services: { add: (woken) => void world.woken.push(woken) },
    events: {
      record: (event) => void world.told.push(event),
      flush: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    metrics: createMetrics(),
    logger: createLogger({ level: 'error', format: 'json' }),
  };
  const declare = (spec: Partial<GenerationServiceSpec> = {}): Promise<void> =>
    put(
      generationServices,
      generationService({ mode: 'Enforce', deletionPolicy: 'Retain', overrides: { horizontal }, ...spec }),
    );
  /** As the lever made it, or as it is after a move. */
  const autoscale = (minReplicas: number): Promise<void> => {
    const { metadata, ...rest } = hpa('hpa', { minReplicas, maxReplicas: 20 });
    const ownerReferences = [
      { apiVersion: '', kind: 'GenerationService', name: '', uid: 'generation', controller: true },
    ];
    return put(horizontalPodAutoscalers, { ...rest, metadata: { ...metadata, ownerReferences } });
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
    /** What the one that writes status is told. */
    report: () => deps.decisions.of(service()),
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
  test('moves the floor once it is not where it belongs, writes down why, says so, and wakes who writes status', async () => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    await stage.autoscale(2);
    expect(await stage.start()()).toEqual(awaitChange);
    expect(stage.world.floors).toEqual([{ minReplicas: 5 }]);
    expect(stage.report()?.decisions.get('workflow')).toEqual({
      action: 'ScaleUp',
      from: 2,
      to: 5,
      reason: 'MinReplicas',
      message: "The floor is the policy's minReplicas 5.",
      time: '2027-01-15T08:00:00Z',
    });
    expect(stage.world.woken).toEqual([key]);
    expect(stage.world.told).toMatchObject([
      { reason: 'FloorRaised', note: expect.stringMatching(/^workflow: floor 2 → 5\. /) },
    ]);
  });

  test('writes nothing and wakes nobody while the floor is where it belongs, and still knows its last decision', async () => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    await stage.autoscale(2);
    await stage.appear();
    const visit = stage.start();
    await visit();
    await stage.autoscale(5);
    expect(await visit()).toEqual(awaitChange); // also with Pods: the HPA reads them itself
    expect(stage.world).toMatchObject({ floors: [{ minReplicas: 5 }], woken: [key] });
    expect(stage.report()?.decisions.get('workflow')).toMatchObject({ from: 2, to: 5 });
  });

  test.each<{
    readonly name: string;
    readonly horizontal?: PolicySpec['horizontal'];
    readonly spec: Partial<GenerationServiceSpec>;
  }>([
    { name: 'Paused', spec: { mode: 'Paused' } },
    { name: 'DryRun', spec: { mode: 'DryRun' } },
    { name: 'without the policy that it names', spec: { policyRef: { name: 'gone' } } },
  ])('a service that is $name keeps its floor', async ({ spec }) => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    await stage.declare({ ...spec, overrides: { horizontal: { ...cpu, minReplicas: 5 } } });
    await stage.autoscale(2);
    expect(await stage.start()()).toEqual(awaitChange);
    expect(stage.world).toMatchObject({ floors: [], woken: [], told: [] });
  });

  test('has nothing to move before the HPA is there, and moves it then', async () => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    const visit = stage.start();
    expect(await visit()).toEqual(awaitChange);
    expect(stage.world.floors).toEqual([]);
    await stage.autoscale(2);
    await visit();
    expect(stage.world.floors).toEqual([{ minReplicas: 5 }]);
  });

  test('a floor that somebody else has is a problem that names them: told once, looked at again, and forgotten when it is ours', async () => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    await stage.autoscale(2);
    const visit = stage.start();
    stage.world.refuses = taken('kubectl-edit');
    expect(await visit()).toEqual(requeueAfter(30_000));
    expect(stage.report()?.problem).toMatchObject({
      reason: 'Conflict',
      message: expect.stringContaining('.spec.minReplicas (kubectl-edit)'),
    });
    await visit();
    expect(stage.world).toMatchObject({ woken: [key], told: [] }); // the same as before is no news

    stage.world.refuses = undefined;
    await visit();
    expect(stage.report()?.problem).toBeUndefined();
    expect(stage.world.woken).toEqual([key, key]);
  });

  test('an API server that cannot be reached is the loop’s matter: nothing is said of the service', async () => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    await stage.autoscale(2);
    stage.world.refuses = new Error('cannot be reached');
    await expect(stage.start()()).rejects.toThrow('cannot be reached');
    expect(stage.report()).toBeUndefined();
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

  test('asks again for a target of a kind that is not watched', async () => {
    await using stage = await openScaler();
    const targetRef = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'workflow-execution' };
    await stage.declare({ components: [{ name: 'workflow', targetRef }] });
    const visit = stage.start();
    expect(await visit()).toEqual(requeueAfter(30_000)); // the server knows no Rollouts
    stage.world.kinds = [{ resource: { ...deployments, kind: 'Rollout' }, subresources: ['scale'] }];
    expect(await visit()).toEqual(requeueAfter(30_000));
  });

  test('lowers nothing before it has seen a whole window: not when it has started anew, not for a service that was made anew', async () => {
    await using stage = await openScaler();
    await stage.autoscale(9);
    stage.world.samples = idle;
    const visit = stage.start();
    await visit();
    stage.world.now += 300_000;
    await stage.start()(); // another process has no memory
    expect(stage.world.floors).toEqual([]);

    await stage.remove(generationServices, 'generation');
    expect(await visit()).toEqual(awaitChange);
    expect(stage.report()).toBeUndefined();
    await stage.declare();
    await visit();
    expect(stage.world.floors).toEqual([]);

    stage.world.now += 300_000;
    await visit();
    expect(stage.world.floors).toEqual([{ minReplicas: 4 }]); // 9, half at a time
  });
});
