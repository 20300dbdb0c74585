import { milliseconds } from '../api/duration.ts';
import type { PendingAction } from '../decide/optimizer/kept.ts';
import { maintenanceAt } from '../decide/maintenance-window.ts';
import { limitInForce, mayLower, oneLower, type Raises } from '../decide/optimizer/raise.ts';
import { withLowered } from '../decide/optimizer/records.ts';
import { measureText } from '../decide/optimizer/words.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { steering } from '../decide/steering.ts';
import { oomKillIn } from '../levers/oom-kill.ts';
import { resourcesPlanner } from '../levers/resources/lever.ts';
import { rememberedKill } from '../levers/resources/oom.ts';
import { mustLead, unitKey } from '../levers/run.ts';
import { containerOf } from '../metrics/component-window.ts';
import type { PodView } from '../metrics/pod-view.ts';
import { selectPods } from './caches.ts';
import { readyPodsOf } from './optimizer-evict.ts';
import { isFrozen, keep, keptOf, record, rowMsOf, rowsOf, type Visit } from './optimizer-visit.ts';

/** What holds of the memory limit of a component's Pods; undefined: the lever `resources` does not write it. */
export function memoryLimitOf(
  { declared }: Pick<Resolved, 'declared'>,
  component: ResolvedComponent,
  { raises = {}, pods }: { readonly raises?: Raises | undefined; readonly pods: readonly PodView[] },
) {
  const { spec, policy } = component;
  const isDeclared = declared.has('resources') || spec.overrides?.resources !== undefined;
  const isSizedByVpa = steering(component).sized.includes('memory');
  if (!isDeclared || policy.resources.mode !== 'Enforce' || isSizedByVpa) return undefined;
  const restarts = pods.some(({ containers }) => containers.some(({ restartsOnResize }) => restartsOnResize === true));
  return {
    bytes: limitInForce(policy.resources, raises[spec.name]),
    disrupts: policy.resources.method === 'Template' || restarts,
  };
}

const podsOf = ({ service: { metadata }, deps }: Visit, { target }: ResolvedComponent): readonly PodView[] =>
  selectPods(deps.caches.pods, metadata.namespace, target.selector);

/** ms since the epoch: until when a kill counts against the objective of memory; undefined: none does. */
export function oomHeldUntil(visit: Visit, component: ResolvedComponent, now: number): number | undefined {
  const kill = oomKillIn(podsOf(visit, component), now);
  const until = (kill?.at ?? -Infinity) + milliseconds(component.policy.objectives.window);
  return now <= until ? until : undefined;
}

/** Within a day, also a Pod that is gone. */
const wasKilled = (visit: Visit, component: ResolvedComponent, now: number): boolean => {
  const key = unitKey({ lever: resourcesPlanner, unit: component.spec });
  const { levers } = visit.deps.states.of(visit.service);
  return oomKillIn(podsOf(visit, component), now) !== undefined || rememberedKill(levers[key], now) !== undefined;
};

/** A resize takes seconds, the first Pod of a roll-out minutes, the last one longer. */
const [patienceMs, longestMs] = [300_000, 3_600_000];

/** Whether every Ready Pod runs with the limit that an action has asked for. Where one has it, it stays: a process may have filled it, and what there is after an hour is compared. */
export function limitProgress(
  { limitBytes, begunAt }: PendingAction,
  { spec }: Pick<ResolvedComponent, 'spec'>,
  ready: readonly PodView[],
  now: number,
): 'done' | 'waiting' | 'failed' {
  const isInForce = (pod: PodView): boolean =>
    pod.resize === undefined && containerOf(pod, spec.containerName)?.memoryLimit === limitBytes;
  if (ready.length > 0 && ready.every(isInForce)) return 'done';
  if (now - begunAt < patienceMs) return 'waiting';
  if (!ready.some(isInForce)) return 'failed';
  const behind = ready.filter((pod) => !isInForce(pod));
  if (behind.every(({ resize }) => resize?.state === 'Infeasible')) return 'done'; // their nodes never have the room
  return now - begunAt < longestMs ? 'waiting' : 'done';
}

/** Whether a memory limit was lowered again: one step, of the first component that may; never within the comparison of an action, which would count it as its own doing. Where that stops Pods, only when a raise might. */
export async function lowerLimit(visit: Visit): Promise<boolean> {
  const { resolved, rules, deps } = visit;
  const kept = keptOf(visit);
  const now = deps.clock.now();
  if (kept.pending !== undefined || resolved.mode !== 'Enforce') return false;
  const mayStopPods = maintenanceAt(resolved.policy.maintenanceWindows, now).isOpen && !isFrozen(visit);
  const found = resolved.components.find((component) => {
    const { name } = component.spec;
    const { resources } = component.policy;
    const raise = kept.raises?.[name];
    const newest = raise?.steps.at(-1);
    if (raise === undefined || newest === undefined) return false;
    if (wasKilled(visit, component, now)) return false; // load comes back daily
    const pods = readyPodsOf(visit, component, deps.caches.pods);
    const stopsPods = memoryLimitOf(resolved, component, { raises: kept.raises, pods })?.disrupts === true;
    if (stopsPods && !mayStopPods) return false;
    const rule = rules.rules.find((one) => one.name === newest.rule && one.action === 'RaiseMemoryLimit');
    const rows = rowsOf(visit, name, now - 3_600_000);
    return mayLower({ resources, raise, rule, rows, rowMs: rowMsOf(visit), now });
  });
  const raise = kept.raises?.[found?.spec.name ?? ''];
  if (found === undefined || raise === undefined) return false;
  mustLead(deps.mayAct);
  const { spec, policy } = found;
  await keep(visit, withLowered(kept, spec.name, { now, untilMs: rules.windowMs }));
  const text = [raise, oneLower(raise, now)].map((one) => measureText('memory', limitInForce(policy.resources, one)));
  record('MemoryLimitGivenBack', { action: 'LowerMemoryLimit', note: `${spec.name}: ${text.join(' → ')}` }, visit);
  return true;
}
