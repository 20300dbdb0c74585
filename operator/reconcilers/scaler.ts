import type { GenerationService } from '../api/generation-service.ts';
import { isProblem, type Problem } from '../api/problem.ts';
import { floorLook, refusalOf, type FloorLook, type FloorLooks } from '../decide/floor-look.ts';
import type { FloorRefusal } from '../decide/floor.ts';
import { planFloor } from '../decide/plan-floor.ts';
import type { PodSample } from '../decide/pods-metric.ts';
import type { ResolvedComponent, Resolved } from '../decide/resolve.ts';
import type { BehaviorMemory } from '../decide/scaling-behavior.ts';
import { shadowedMetrics } from '../decide/shadow.ts';
import type { EventRecorder } from '../kube/events.ts';
import { awaitChange, requeueAfter, type Reconcile } from '../kube/loop.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import type { Queue } from '../kube/queue.ts';
import { applyFloor, withOwnFloor } from '../levers/horizontal/floor.ts';
import { targetKey } from '../levers/horizontal/hpa.ts';
import { mustLead, unitKey } from '../levers/run.ts';
import type { Collector } from '../metrics/collector.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { selectPods } from './caches.ts';
import type { Decisions } from './decisions.ts';
import { resolveInForce } from './in-force.ts';
import { createAlgorithms, hasScaler, lookIntervalMs, type Algorithms, type Answer } from './scaler-algorithm.ts';
import { askAgainMs, isTold, isWatched } from './targets.ts';
import type { VisitDeps } from './visit.ts';

export interface ScalerDeps extends Pick<
  VisitDeps,
  'caches' | 'kube' | 'podsMetrics' | 'clock' | 'states' | 'policies' | 'accepted' | 'mayAct'
> {
  /** The Pods of a component with their requests per second. */
  readonly podSamples: (resolved: Resolved, component: ResolvedComponent) => readonly PodSample[];
  /** Where its figures are read now. */
  readonly sourceOf: (resolved: Resolved, component: ResolvedComponent) => string | undefined;
  readonly collector: Pick<Collector, 'windowOf' | 'rowsOf'>;
  readonly decisions: Decisions;
  /** Of the GenerationService reconciler, which writes what was decided. */
  readonly services: Pick<Queue, 'add'>;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Windows and rates of one component's floor. Lost with the process: a fresh one never scales down before a whole window was seen. */
type Memories = Map<string, BehaviorMemory>;

interface Remembered {
  readonly memories: Memories;
  readonly algorithms: Algorithms;
}

interface ComponentResult {
  readonly name: string;
  readonly look: FloorLook | undefined;
  /** To the next look by the clock; undefined: it is looked at when something changes. */
  readonly intervalMs: number | undefined;
  readonly problem: Problem | undefined;
  readonly moved: boolean;
  /** What nobody can do anything about but try again: a lost API server, an overload. */
  readonly failure?: unknown;
}

/** Moves the floor of each component's autoscaler: minReplicas of the policy, what Pods metrics ask for that the HPA does not read itself, and what the policy's scaler asks for. */
export function scaler(deps: ScalerDeps): Reconcile {
  const memories: Memories = new Map();
  const algorithms = createAlgorithms(deps.collector);
  return async (key, signal) => {
    const service = deps.caches.services.get(key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) {
      deps.decisions.forget(key);
      algorithms.forget(key);
      for (const known of memories.keys()) if (known.startsWith(`${key}/`)) memories.delete(known);
      return awaitChange;
    }
    const resolution = await resolveInForce(service, deps, signal);
    if (resolution.kind === 'problem') return awaitChange;
    const { resolved } = resolution;
    const results = await Promise.all(
      resolved.components.map((component) =>
        visitComponent(resolved, component, { memories, algorithms }, deps, signal),
      ),
    );
    publish(service, results, deps); // also where one has failed: what was done to the others is told once, now or never
    const failed = results.find(({ failure }) => failure !== undefined);
    if (failed !== undefined) throw failed.failure;
    const intervals = results.flatMap(({ intervalMs }) => intervalMs ?? []);
    if (intervals.length > 0) return requeueAfter(Math.min(...intervals));
    const isStuck = results.some(({ problem }) => problem !== undefined); // giving up a field changes no value: nobody tells us
    return isStuck || !isTold(service) ? requeueAfter(askAgainMs) : awaitChange;
  };
}

async function visitComponent(
  resolved: Resolved,
  component: ResolvedComponent,
  remembered: Remembered,
  deps: ScalerDeps,
  signal: AbortSignal,
): Promise<ComponentResult> {
  const { name } = component.spec;
  const now = deps.clock.now();
  const { plan, answer, hasShadow } = planComponent(resolved, component, remembered, deps, now);
  const idle = { name, look: undefined, intervalMs: undefined, problem: undefined, moved: false };
  if (plan === undefined) return idle;
  const { decision, change } = plan;
  deps.metrics.scalingDecisions.inc({ action: decision.action });
  const isByClock = (hasShadow || answer !== undefined) && mayHavePods(resolved, component, deps);
  const intervalMs = isByClock ? lookIntervalMs(resolved, component) : undefined;
  const seen = (refusal?: FloorRefusal): ComponentResult => ({
    ...idle,
    intervalMs,
    look: floorLook({ decision, refusal, intervalMs, now }),
  });
  const keep = plan.isEnforced && component.policy.scaler.mode === 'Enforce' ? answer?.keep : undefined;
  if (change === undefined && keep === undefined) return seen();
  try {
    mustLead(deps.mayAct);
    if (keep !== undefined) await keepScaler(resolved.service, name, keep, deps, signal);
    if (change === undefined) return seen();
    return {
      ...seen(),
      moved: await applyFloor({ kube: deps.kube, floorWrites: deps.caches.floorWrites }, change, signal),
    };
  } catch (error) {
    return isProblem(error) ? { ...seen(refusalOf(error)), problem: error } : { ...idle, failure: error };
  }
}

/** What the floor of a component is to be, by all that asks for it. */
function planComponent(
  resolved: Resolved,
  component: ResolvedComponent,
  { memories, algorithms }: Remembered,
  deps: ScalerDeps,
  now: number,
) {
  const { service } = resolved;
  const { name, targetRef } = component.spec;
  const { namespace, uid } = service.metadata;
  const state = deps.states.of(service);
  const memoryKey = `${keyOf(service)}/${uid}/${name}`;
  const shadow = shadowedMetrics(component).map((metric) => ({
    ...metric,
    pods: deps.podSamples(resolved, component),
    source: deps.sourceOf(resolved, component),
  }));
  const hpas = deps.caches.hpas
    .by('target', targetKey(namespace, targetRef))
    .map((hpa) => withOwnFloor(hpa, deps.caches.floorWrites));
  const inForce = hpas[0]?.spec.minReplicas ?? component.policy.horizontal.minReplicas;
  const pods = selectPods(deps.caches.pods, namespace, component.target.selector);
  const answer = hasScaler(resolved, component)
    ? algorithms.ask({ resolved, component, inForce, kept: state.scaler?.[name], pods, now })
    : undefined;
  const plan = planFloor({
    resolved,
    component,
    hpas,
    originals: state.levers[unitKey({ lever: { name: 'horizontal' }, unit: { name } })]?.originals,
    shadow,
    asked: answer?.asked,
    isOnlyTold: component.policy.scaler.mode === 'DryRun',
    memory: memories.get(memoryKey),
    now,
  });
  if (plan?.decision.memory !== undefined) memories.set(memoryKey, plan.decision.memory);
  return { plan, answer, hasShadow: shadow.length > 0 };
}

/** Before the floor is moved: a restart then knows the cooldown, and moves the floor if we did not come to it. */
const keepScaler = (
  service: GenerationService & KubeObject,
  component: string,
  keep: NonNullable<Answer['keep']>,
  { states }: ScalerDeps,
  signal: AbortSignal,
): Promise<void> => {
  const state = states.of(service);
  return states.write(service, { ...state, scaler: { ...state.scaler, [component]: keep } }, signal);
};

/** Without Pods there is nothing to be read: the first one wakes us, where its target is watched. */
const mayHavePods = ({ service }: Resolved, { spec, target }: ResolvedComponent, { caches }: ScalerDeps): boolean =>
  !isWatched(spec.targetRef) || selectPods(caches.pods, service.metadata.namespace, target.selector).length > 0;

/** Hands the report to the reconciler that writes status, and wakes it only when there is something new to write. */
function publish(service: GenerationService & KubeObject, results: readonly ComponentResult[], deps: ScalerDeps): void {
  const key = keyOf(service);
  const before = deps.decisions.of(service);
  const moves = results.flatMap(({ name, look, moved }) => (moved && look !== undefined ? [{ name, look }] : []));
  const problem = results.find((result) => result.problem !== undefined)?.problem;
  deps.decisions.put(service, { problem, looks: looksOf(results, before?.looks) });
  for (const { name, look } of moves) announce(service, name, look, deps);
  if (moves.length > 0 || problem?.message !== before?.problem?.message) deps.services.add(key);
}

const looksOf = (
  results: readonly ComponentResult[],
  before: ReadonlyMap<string, FloorLooks> | undefined,
): ReadonlyMap<string, FloorLooks> =>
  new Map(
    results.flatMap(({ name, look, moved, failure }) => {
      const known = before?.get(name);
      if (failure !== undefined) return known === undefined ? [] : [[name, known] as const];
      return look === undefined ? [] : [[name, { newest: look, lastMove: moved ? look : known?.lastMove }] as const];
    }),
  );

function announce(
  service: GenerationService & KubeObject,
  component: string,
  { action, from, to, reason, message }: FloorLook,
  { events, logger }: ScalerDeps,
): void {
  logger.info('floor moved', {
    namespace: service.metadata.namespace,
    name: service.metadata.name,
    component,
    action,
    from,
    to,
    reason,
    why: message,
  });
  events.record({
    regarding: service,
    type: 'Normal',
    reason: action === 'ScaleUp' ? 'FloorRaised' : 'FloorLowered',
    action: 'Scale',
    note: `${component}: floor ${from} → ${to}. ${message}`,
  });
}
