import { milliseconds } from '../api/duration.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { isProblem, Problem } from '../api/problem.ts';
import { floorLook, refusalOf, type FloorLook, type FloorLooks } from '../decide/floor-look.ts';
import type { FloorDecision, FloorRefusal } from '../decide/floor.ts';
import { planFloor } from '../decide/plan-floor.ts';
import { planReplicas } from '../decide/plan-replicas.ts';
import type { PodSample } from '../decide/pods-metric.ts';
import type { ResolvedComponent, Resolved } from '../decide/resolve.ts';
import type { BehaviorMemory } from '../decide/scaling-behavior.ts';
import { shadowedMetrics } from '../decide/shadow.ts';
import type { EventRecorder } from '../kube/events.ts';
import { awaitChange, requeueAfter, type Reconcile } from '../kube/loop.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import type { Queue } from '../kube/queue.ts';
import { applyFloor, withOwnFloor } from '../levers/horizontal/floor.ts';
import { isOwn, targetKey } from '../levers/horizontal/hpa.ts';
import { mustLead, unitKey } from '../levers/run.ts';
import type { Collector } from '../metrics/collector.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { cappedForScaler, withBounds } from './budget-bounds.ts';
import { selectPods } from './caches.ts';
import type { Decisions } from './decisions.ts';
import { resolveInForce } from './in-force.ts';
import { hasQuota } from './quota-budgets.ts';
import { createRollOuts, deadlineMs, type RollOuts } from './roll-out.ts';
import { createAlgorithms, hasScaler, lookIntervalMs, type Algorithms, type Answer } from './scaler-algorithm.ts';
import { applyReplicas, goesOnFrom, goesOnFromFloor, keepStep } from './scaler-replicas.ts';
import type { ServiceState } from './state.ts';
import { askAgainMs, isTold, isWatched } from './targets.ts';
import type { VisitDeps } from './visit.ts';

export interface ScalerDeps extends Pick<
  VisitDeps,
  'caches' | 'kube' | 'podsMetrics' | 'clock' | 'states' | 'policies' | 'accepted' | 'mayAct' | 'budgetBounds'
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
  readonly rollOuts: RollOuts;
}

interface ComponentResult {
  readonly name: string;
  readonly what: 'floor' | 'replicas';
  readonly look: FloorLook | undefined;
  /** To the next look by the clock; undefined: it is looked at when something changes. */
  readonly intervalMs: number | undefined;
  readonly problem: Problem | undefined;
  readonly moved: boolean;
  /** What nobody can do anything about but try again: a lost API server, an overload. */
  readonly failure?: unknown;
}

/** Moves the floor of each component's autoscaler: minReplicas of the policy, what Pods metrics ask for that the HPA does not read itself, and what the policy's scaler asks for. Where no HPA is declared, the replicas, by the scaler alone. */
export function scaler(deps: ScalerDeps): Reconcile {
  const memories: Memories = new Map();
  const algorithms = createAlgorithms(deps.collector);
  const rollOuts = createRollOuts();
  return async (key, signal) => {
    const service = deps.caches.services.get(key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) {
      deps.decisions.forget(key);
      algorithms.forget(key);
      rollOuts.forget(`${key}/`);
      for (const known of memories.keys()) if (known.startsWith(`${key}/`)) memories.delete(known);
      return awaitChange;
    }
    const resolution = await resolveInForce(service, deps, signal);
    if (resolution.kind === 'problem') return awaitChange;
    const bounds = deps.budgetBounds.of(service);
    const isInQuota = hasQuota(service, deps.caches);
    const resolved = cappedForScaler(withBounds(resolution.resolved, bounds, { hasQuota: isInQuota }));
    const results = await Promise.all(
      resolved.components.map((component) =>
        visitComponent(resolved, component, { memories, algorithms, rollOuts }, deps, signal),
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

/** What is to become of one component, and how. */
interface Planned {
  readonly decision: FloorDecision;
  /** Whether anything may be moved. */
  readonly isEnforced: boolean;
  /** @returns whether anything was moved. Undefined: all is as it should be, or held back. */
  readonly move: ((signal: AbortSignal) => Promise<boolean>) | undefined;
  /** Who else moves it. */
  readonly standing?: Problem | undefined;
  readonly answer: Answer | undefined;
  /** It is decided by figures that change with time. */
  readonly isByClock: boolean;
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
  const { horizontal, scaler: own } = component.policy;
  const isDirect = horizontal.mode === 'Off';
  const what = isDirect ? 'replicas' : 'floor';
  const idle = { name, what, look: undefined, intervalMs: undefined, problem: undefined, moved: false } as const;
  const planned = (isDirect ? replicasOf : floorOf)(resolved, component, remembered, deps, now);
  if (planned === undefined) return idle;
  const { decision, isEnforced, move, standing, answer } = planned;
  deps.metrics.scalingDecisions.inc({ action: decision.action });
  const isByClock = planned.isByClock && mayHavePods(resolved, component, deps);
  const intervalMs = isByClock ? lookIntervalMs(resolved, component) : undefined;
  const seen = (refusal?: FloorRefusal): ComponentResult => ({
    ...idle,
    intervalMs,
    look: floorLook({ decision, refusal, intervalMs, now }),
  });
  if (standing !== undefined) return { ...seen(refusalOf(standing)), problem: standing };
  const keep = isEnforced && own.mode === 'Enforce' ? answer?.keep : undefined;
  if (move === undefined && keep === undefined) return seen();
  try {
    mustLead(deps.mayAct);
    if (keep !== undefined) await keepScaler(resolved.service, name, keep, deps, signal);
    return move === undefined ? seen() : { ...seen(), moved: await move(signal) };
  } catch (error) {
    return isProblem(error) ? { ...seen(refusalOf(error)), problem: error } : { ...idle, failure: error };
  }
}

const memoryKeyOf = ({ service }: Resolved, { spec }: ResolvedComponent): string =>
  `${keyOf(service)}/${service.metadata.uid}/${spec.name}`;

/** Whether figures are those of a roll-out. One that gets no further is told, once. */
function noteRollOut(
  resolved: Resolved,
  component: ResolvedComponent,
  rollOuts: RollOuts,
  { events, logger }: ScalerDeps,
  now: number,
): boolean {
  const { isOn, hasStopped } = rollOuts.see(memoryKeyOf(resolved, component), component.target, now);
  if (!hasStopped) return isOn;
  const { name, targetRef } = component.spec;
  const note = `${name}: ${targetRef.kind} ${targetRef.name} has replaced no Pod for ${deadlineMs / 60_000} min, and holds nothing up any more: its figures may take replicas away again. Next: see why its newest Pod is not Ready.`;
  logger.warn('roll-out is stuck', { service: keyOf(resolved.service), component: name });
  events.record({ regarding: resolved.service, type: 'Warning', reason: 'RollOutStuck', action: 'Scale', note });
  return isOn;
}

/** The replicas themselves, where no HPA is declared: as the scaler asks for them. */
function replicasOf(
  resolved: Resolved,
  component: ResolvedComponent,
  { algorithms, rollOuts }: Remembered,
  deps: ScalerDeps,
  now: number,
): Planned | undefined {
  if (!hasScaler(resolved, component)) return undefined;
  const { namespace } = resolved.service.metadata;
  const { spec, target, policy } = component;
  const { replicas } = target;
  const state = deps.states.of(resolved.service);
  const kept = state.scaler?.[spec.name];
  const answer = algorithms.ask({
    resolved,
    component,
    inForce: replicas,
    kept: goesOnFrom(kept, { replicas, cooldownMs: milliseconds(policy.scaler.cooldown), now }),
    pods: selectPods(deps.caches.pods, namespace, target.selector),
    isRollingOut: noteRollOut(resolved, component, rollOuts, deps, now),
    now,
  });
  const hpas = deps.caches.hpas.by('target', targetKey(namespace, spec.targetRef));
  const own = hpas.find(isOwn(resolved.service.metadata.uid, originalsOf(state, spec.name)));
  const rivals = hpas.flatMap((hpa) => (hpa === own ? [] : [hpa.name]));
  const isOnlyTold = policy.scaler.mode === 'DryRun';
  const plan = planReplicas({
    resolved,
    component,
    rivals,
    own: own && keyOf({ metadata: own }),
    asked: answer.asked,
    isOnlyTold,
    now,
  });
  if (plan === undefined) return undefined;
  const { change, standing } = plan;
  return {
    ...plan,
    answer: { ...answer, keep: keepStep(kept, answer.keep, replicas) },
    isByClock: true,
    standing: standing && new Problem(standing.reason, standing),
    move: change && ((signal) => applyReplicas(deps.kube, spec.targetRef, { namespace, ...change }, signal)),
  };
}

/** What is remembered of the HPA of a component. */
const originalsOf = ({ levers }: ServiceState, component: string) =>
  levers[unitKey({ lever: { name: 'horizontal' }, unit: { name: component } })]?.originals;

/** What the floor of a component is to be, by all that asks for it. */
function floorOf(
  resolved: Resolved,
  component: ResolvedComponent,
  { memories, algorithms, rollOuts }: Remembered,
  deps: ScalerDeps,
  now: number,
): Planned | undefined {
  const { service } = resolved;
  const { name, targetRef } = component.spec;
  const { namespace } = service.metadata;
  const state = deps.states.of(service);
  const memoryKey = memoryKeyOf(resolved, component);
  const isRollingOut = noteRollOut(resolved, component, rollOuts, deps, now);
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
  const last = state.scaler?.[name];
  const cooldownMs = milliseconds(component.policy.scaler.cooldown);
  const kept = goesOnFromFloor(last, { replicas: inForce, cooldownMs, now });
  const answer = hasScaler(resolved, component)
    ? algorithms.ask({ resolved, component, inForce, kept, pods, isRollingOut, now })
    : undefined;
  const plan = planFloor({
    resolved,
    component,
    hpas,
    originals: originalsOf(state, name),
    shadow,
    asked: answer?.asked,
    isRollingOut,
    isOnlyTold: component.policy.scaler.mode === 'DryRun',
    memory: memories.get(memoryKey),
    now,
  });
  if (plan?.decision.memory !== undefined) memories.set(memoryKey, plan.decision.memory);
  if (plan === undefined) return undefined;
  const { change } = plan;
  return {
    ...plan,
    answer: answer && { ...answer, keep: answer.keep && { ...answer.keep, from: inForce } },
    isByClock: shadow.length > 0 || answer !== undefined,
    move: change && ((signal) => applyFloor({ kube: deps.kube, floorWrites: deps.caches.floorWrites }, change, signal)),
  };
}

/** Before anything is moved: a restart then knows the cooldown, and moves what we did not come to move. */
const keepScaler = (
  service: GenerationService & KubeObject,
  component: string,
  keep: NonNullable<Answer['keep']>,
  { states }: ScalerDeps,
  signal: AbortSignal,
): Promise<void> =>
  states.write(service, (state) => ({ ...state, scaler: { ...state.scaler, [component]: keep } }), signal);

/** Without Pods there is nothing to be read: the first one wakes us, where its target is watched. */
const mayHavePods = ({ service }: Resolved, { spec, target }: ResolvedComponent, { caches }: ScalerDeps): boolean =>
  !isWatched(spec.targetRef) || selectPods(caches.pods, service.metadata.namespace, target.selector).length > 0;

/** Hands the report to the reconciler that writes status, and wakes it only when there is something new to write. */
function publish(service: GenerationService & KubeObject, results: readonly ComponentResult[], deps: ScalerDeps): void {
  const key = keyOf(service);
  const before = deps.decisions.of(service);
  const moves = results.flatMap((result) =>
    result.moved && result.look !== undefined ? [{ ...result, look: result.look }] : [],
  );
  const problem = results.find((result) => result.problem !== undefined)?.problem;
  deps.decisions.put(service, { problem, looks: looksOf(results, before?.looks) });
  for (const move of moves) announce(service, move, deps);
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
  { name: component, what, look }: Pick<ComponentResult, 'name' | 'what'> & { readonly look: FloorLook },
  { events, logger }: ScalerDeps,
): void {
  const { action, from, to, reason, message } = look;
  const [isDirect, isUp] = [what === 'replicas', action === 'ScaleUp'];
  logger.info(`${what} moved`, {
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
    reason: isDirect ? (isUp ? 'ReplicasRaised' : 'ReplicasLowered') : isUp ? 'FloorRaised' : 'FloorLowered',
    action: 'Scale',
    note: `${component}: ${what} ${from} → ${to}. ${message}`,
  });
}
