import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import type { PodSample } from '../../../operator/decide/pods-metric.ts';
import type { Kube } from '../../../operator/kube/client.ts';
import { horizontalPodAutoscalers } from '../../../operator/levers/horizontal/hpa.ts';
import type { ComponentFigures } from '../../../operator/metrics/component-figures.ts';
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

export const key = 'ai/generation';
const never = new AbortController().signal;
/** Here it writes nothing and asks nothing, but where a test says so: what it does with a server is told by test/integration/scaling and modes. */
const nobody: Partial<Kube> = {};

/** The Deployment of 9 replicas of a service, and the HPA that we made for it. Figures of its Pods are those that a test names. */
export async function openScaler(horizontal: PolicySpec['horizontal'] = {}, kube = nobody) {
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
    budgetBounds: createLastWords(),
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
  const autoscale = (minReplicas: number, target = 'workflow-execution', kind = 'Deployment'): Promise<void> => {
    const { metadata, spec } = hpa(`${target}-hpa`, { minReplicas, maxReplicas: 20 });
    const ownerReferences = [
      { apiVersion: '', kind: 'GenerationService', name: '', uid: 'generation', controller: true },
    ];
    const scaleTargetRef = { ...spec.scaleTargetRef, kind, name: target };
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

export const cpu: NonNullable<PolicySpec['horizontal']> = {
  metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
};
export const idle: readonly PodSample[] = Array.from({ length: 9 }, () => ({ state: 'running', value: 1 }));
