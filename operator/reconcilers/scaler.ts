import type { GenerationService } from '../api/generation-service.ts';
import { milliseconds } from '../api/duration.ts';
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
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { selectPods } from './caches.ts';
import type { Decisions } from './decisions.ts';
import { resolveInForce } from './in-force.ts';
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
  readonly decisions: Decisions;
  /** Of the GenerationService reconciler, which writes what was decided. */
  readonly services: Pick<Queue, 'add'>;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Windows and rates of one component's floor. Lost with the process: a fresh one never scales down before a whole window was seen. */
type Memories = Map<string, BehaviorMemory>;

interface ComponentResult {
  readonly name: string;
  readonly look: FloorLook | undefined;
  readonly usesShadow: boolean;
  readonly problem: Problem | undefined;
  readonly moved: boolean;
  /** What nobody can do anything about but try again: a lost API server, an overload. */
  readonly failure?: unknown;
}

/** Moves the floor of each component's autoscaler: minReplicas of the policy, and what Pods metrics ask for that the HPA does not read itself. */
export function scaler(deps: ScalerDeps): Reconcile {
  const memories: Memories = new Map();
  return async (key, signal) => {
    const service = deps.caches.services.get(key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) {
      deps.decisions.forget(key);
      for (const known of memories.keys()) if (known.startsWith(`${key}/`)) memories.delete(known);
      return awaitChange;
    }
    const resolution = await resolveInForce(service, deps, signal);
    if (resolution.kind === 'problem') return awaitChange;
    const { resolved } = resolution;
    const results = await Promise.all(
      resolved.components.map((component) => visitComponent(resolved, component, memories, deps, signal)),
    );
    publish(service, results, deps); // also where one has failed: what was done to the others is told once, now or never
    const failed = results.find(({ failure }) => failure !== undefined);
    if (failed !== undefined) throw failed.failure;
    const shadowed = results.some(({ usesShadow }) => usesShadow);
    if (shadowed) return requeueAfter(milliseconds(resolved.policy.scaler.interval));
    const isStuck = results.some(({ problem }) => problem !== undefined); // giving up a field changes no value: nobody tells us
    return isStuck || !isTold(service) ? requeueAfter(askAgainMs) : awaitChange;
  };
}

async function visitComponent(
  resolved: Resolved,
  component: ResolvedComponent,
  memories: Memories,
  deps: ScalerDeps,
  signal: AbortSignal,
): Promise<ComponentResult> {
  const { name, targetRef } = component.spec;
  const { service } = resolved;
  const idle = { name, look: undefined, usesShadow: false, problem: undefined, moved: false };
  const memoryKey = `${keyOf(service)}/${service.metadata.uid}/${name}`;
  const shadow = shadowedMetrics(component).map((metric) => ({
    ...metric,
    pods: deps.podSamples(resolved, component),
    source: deps.sourceOf(resolved, component),
  }));
  const now = deps.clock.now();
  const plan = planFloor({
    resolved,
    component,
    hpas: deps.caches.hpas
      .by('target', targetKey(service.metadata.namespace, targetRef))
      .map((hpa) => withOwnFloor(hpa, deps.caches.floorWrites)),
    originals: deps.states.of(service).levers[unitKey({ lever: { name: 'horizontal' }, unit: { name } })]?.originals,
    shadow,
    memory: memories.get(memoryKey),
    now,
  });
  if (plan === undefined) return idle;
  const { decision, change } = plan;
  if (decision.memory !== undefined) memories.set(memoryKey, decision.memory);
  deps.metrics.scalingDecisions.inc({ action: decision.action });
  const usesShadow = shadow.length > 0 && mayHavePods(resolved, component, deps);
  const intervalMs = usesShadow ? milliseconds(resolved.policy.scaler.interval) : undefined;
  const seen = (refusal?: FloorRefusal): ComponentResult => ({
    ...idle,
    usesShadow,
    look: floorLook({ decision, refusal, intervalMs, now }),
  });
  if (change === undefined) return seen();
  try {
    mustLead(deps.mayAct);
    return {
      ...seen(),
      moved: await applyFloor({ kube: deps.kube, floorWrites: deps.caches.floorWrites }, change, signal),
    };
  } catch (error) {
    return isProblem(error) ? { ...seen(refusalOf(error)), problem: error } : { ...idle, failure: error };
  }
}

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
