import { annotations } from '../api/annotations.ts';
import { brakedUntil } from '../decide/optimizer/brake.ts';
import { maintenanceAt } from '../decide/maintenance-window.ts';
import { recordKey, type KeptOptimizer, type PendingAction } from '../decide/optimizer/kept.ts';
import { judgedAt } from '../decide/optimizer/holds.ts';
import { lookAtRules, type LookAnswer, type LookInput, type RuleLook } from '../decide/optimizer/look.ts';
import { limitInForce, nextLimit } from '../decide/optimizer/raise.ts';
import { stepText } from '../decide/optimizer/reduction.ts';
import {
  withDone,
  withEvicted,
  withMessage,
  withoutGone,
  withOutcome,
  withPending,
} from '../decide/optimizer/records.ts';
import { optimizerRules, type OptimizerRule } from '../decide/optimizer/rules.ts';
import { measureText, pressureText } from '../decide/optimizer/words.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { awaitChange, requeueAfter, type Next, type Reconcile } from '../kube/loop.ts';
import { keyOf, type Key } from '../kube/object.ts';
import { mustLead } from '../levers/run.ts';
import { selectPods } from './caches.ts';
import { resolveInForce } from './in-force.ts';
import { makeAction, type Made } from './optimizer-actions.ts';
import { hasOptimizer, optimizerActive } from './optimizer-condition.ts';
import { giveBack } from './optimizer-give-back.ts';
import { chooseWorst, evict, readyPodsOf } from './optimizer-evict.ts';
import { isAwaited, judgePending } from './optimizer-judge.ts';
import { lowerLimit, memoryLimitOf, oomHeldUntil } from './optimizer-limits.ts';
import {
  cooldownOf,
  count,
  isFrozen,
  keep,
  keptOf,
  rowMsOf,
  rowsOf,
  ruleOf,
  tell,
  type OptimizerDeps,
  type Visit,
} from './optimizer-visit.ts';
import { sweepable } from './optimizer-sweep.ts';
import { hashOf as runtimeHashOf, workersOf } from './optimizer-workers.ts';
import { isWatched } from './targets.ts';

/** Takes one action at a time while something is wrong, compares before with after, and backs off where it did not help. */
export function optimizer(deps: OptimizerDeps): Reconcile {
  return async (key, signal) => {
    const service = deps.caches.services.get(key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return forget(key, deps);
    const resolution = await resolveInForce(service, deps, signal);
    if (resolution.kind === 'problem') return awaitChange;
    const { resolved } = resolution;
    const visit: Visit = { service, resolved, rules: optimizerRules(resolved.policy.optimizer), deps, signal };
    const judged = await judgePending(visit);
    const isBack = (await giveBack(visit)) || (await lowerLimit(visit));
    if (!hasOptimizer(resolved)) {
      deps.optimizerLooks.forget(key);
      if (judged || isBack) deps.services.add(key);
      return again(visit, undefined);
    }
    const before = deps.optimizerLooks.of(service);
    const answer = lookAtRules(lookInput(visit));
    deps.optimizerLooks.put(service, answer);
    if (answer.action !== undefined) await act(answer.action, visit);
    const hasNews =
      judged ||
      isBack ||
      answer.action !== undefined ||
      saidOf(resolved, before, deps) !== saidOf(resolved, answer, deps);
    if (hasNews) deps.services.add(key);
    const { intervalMs } = visit.rules;
    return again(visit, answer.unread.length > 0 ? Math.min(intervalMs, 2 * rowMsOf(visit)) : intervalMs);
  };
}

function forget(key: Key, { optimizerLooks }: OptimizerDeps): Next {
  optimizerLooks.forget(key);
  return awaitChange;
}

const keptOfAll = ({ caches }: OptimizerDeps): readonly KeptOptimizer[] =>
  [...caches.states.list()].flatMap(({ state }) => state.optimizer ?? []);

const saidOf = (resolved: Resolved, answer: LookAnswer | undefined, { states }: OptimizerDeps): string =>
  JSON.stringify(optimizerActive(resolved, { answer, kept: states.of(resolved.service).optimizer }));

/** The next look, or sooner the moment at which what is at work can be judged. Without Pods there is nothing to see: the first one wakes us. */
function again(visit: Visit, intervalMs: number | undefined): Next {
  const { pending } = keptOf(visit);
  const untilJudged =
    pending === undefined
      ? Infinity
      : isAwaited(pending) && pending.doneAt === undefined
        ? 2 * rowMsOf(visit)
        : judgedAt(pending) + rowMsOf(visit) - visit.deps.clock.now();
  const untilLook = mayHavePods(visit) ? (intervalMs ?? Infinity) : Infinity;
  const soonest = Math.min(untilLook, Math.max(0, untilJudged));
  return Number.isFinite(soonest) ? requeueAfter(soonest) : awaitChange;
}

const mayHavePods = ({ resolved: { service, components }, deps: { caches } }: Visit): boolean =>
  components.some(
    ({ spec, target }) =>
      !isWatched(spec.targetRef) || selectPods(caches.pods, service.metadata.namespace, target.selector).length > 0,
  );

function lookInput(visit: Visit): LookInput {
  const { resolved, rules, deps } = visit;
  const now = deps.clock.now();
  const kept = keptOf(visit);
  const hasCache = sweepable(resolved).length > 0;
  const rowMs = rowMsOf(visit);
  const longestMs = Math.max(0, ...rules.rules.map(({ forMs }) => forMs)) + 5 * rowMs;
  return {
    mode: resolved.mode,
    policy: rules,
    components: resolved.components.map((component) => {
      const pods = readyPodsOf(visit, component, deps.caches.pods);
      return {
        name: component.spec.name,
        hasAdmin: component.spec.admin !== undefined,
        hasCache,
        workers: workersOf(resolved, component, { reductions: kept.reductions, caches: deps.caches }),
        readyPods: pods.length,
        oomHeldUntil: oomHeldUntil(visit, component, now),
        memoryLimit: memoryLimitOf(resolved, component, { raises: kept.raises, pods }),
        rows: rowsOf(visit, component.spec.name, now - longestMs),
        usageEveryMs: deps.collector.usageEveryMs(keyOf(visit.service), component.spec.name),
      };
    }),
    kept,
    approved: visit.service.metadata.annotations?.[annotations.approve],
    brakedUntil: brakedUntil(keptOfAll(deps), now),
    maintenance: maintenanceAt(resolved.policy.maintenanceWindows, now),
    isFrozen: isFrozen(visit),
    rowMs,
    now,
  };
}

/** Written before it is made: a kill in between repeats nothing. */
async function act(pending: PendingAction, visit: Visit): Promise<void> {
  const { service, resolved, deps, signal } = visit;
  const component = resolved.components.find(({ spec }) => spec.name === pending.component);
  const rule = ruleOf(pending, visit);
  const look = deps.optimizerLooks.of(service)?.looks.find(isOf(pending));
  if (component === undefined || rule === undefined || look === undefined) return;
  mustLead(deps.mayAct);
  const known = new Set(
    resolved.components.flatMap(({ spec }) =>
      visit.rules.rules.map(({ name }) => recordKey({ component: spec.name, rule: name })),
    ),
  );
  const kept = withoutGone(keptOf(visit), known);
  if (pending.action === 'ReduceWorkers') return reduceWorkers({ pending, component, look, kept }, visit);
  if (pending.action === 'RaiseMemoryLimit') return raiseLimit({ pending, component, look, kept, rule }, visit);
  if (pending.action === 'EvictWorstPod') return evictWorst({ pending, component, look, kept, rule }, visit);
  const intended = withPending(kept, pending, cooldownOf(pending, visit));
  await keep(visit, withMessage(intended, pending, pressureText(look)));
  const { namespace } = service.metadata;
  const target = { key: keyOf(service), namespace, component, threshold: rule.value, redis: sweepable(resolved) };
  const made = await makeAction(pending, target, deps, signal);
  return report({ pending, look, made }, visit);
}

async function report(
  { pending, look, made }: { readonly pending: PendingAction; readonly look: RuleLook; readonly made: Made },
  visit: Visit,
): Promise<void> {
  const { deps } = visit;
  const kept = keptOf(visit);
  const after =
    made.kind === 'done'
      ? withDone(kept, deps.clock.now())
      : withOutcome(kept, { outcome: 'Failed' }, cooldownOf(pending, visit));
  await keep(visit, withMessage(after, pending, made.message));
  if (made.kind === 'failed') count(pending, 'Failed', deps);
  tell(pending, made.kind === 'done' ? 'ActionTaken' : 'ActionFailed', noteOf(look, made), visit);
}

interface Acting {
  readonly pending: PendingAction;
  readonly component: ResolvedComponent;
  readonly look: RuleLook;
  readonly kept: KeptOptimizer;
}

/** The settings of the Pods are written by the lever `runtime`, with what is kept here; it is done when each of them runs with them. */
async function reduceWorkers({ pending, component, look, kept }: Acting, visit: Visit): Promise<void> {
  const hash = runtimeHashOf(visit.resolved, pending.component);
  const told = { ...pending, ...(hash !== undefined && { hash }) };
  const from = kept.reductions?.[pending.component]?.steps.length ?? 0;
  const text = `${pressureText(look)}: ${stepText(component.policy.runtime, from, from + 1)}`;
  await keep(visit, withMessage(withPending(kept, told, cooldownOf(pending, visit)), pending, text));
  tell(pending, 'ActionTaken', text, visit);
}

/** The limit is written by the lever `resources`, with what is kept here; it is done when every Pod runs with it. */
async function raiseLimit(
  { pending, component, look, kept, rule }: Acting & { readonly rule: OptimizerRule },
  visit: Visit,
): Promise<void> {
  const from = limitInForce(component.policy.resources, kept.raises?.[pending.component]);
  const to = nextLimit(rule, from);
  if (to === undefined) return;
  const intended = withPending(kept, { ...pending, limitBytes: to }, cooldownOf(pending, visit));
  const text = `${pressureText(look)}: memory limit ${measureText('memory', from)} → ${measureText('memory', to)}`;
  await keep(visit, withMessage(intended, pending, text));
  tell(pending, 'ActionTaken', text, visit);
}

/** Who is evicted is written before it is, and who was evicted after. It is done when others are Ready in their place. */
async function evictWorst(
  { pending, component, look, kept, rule }: Acting & { readonly rule: OptimizerRule },
  visit: Visit,
): Promise<void> {
  const chosen = chooseWorst(rule, component, visit);
  const evicting = { uids: chosen.pods.map(({ pod }) => pod.uid), ready: chosen.ready };
  const intended = withPending(kept, { ...pending, evicted: evicting }, cooldownOf(pending, visit));
  await keep(visit, withMessage(intended, pending, pressureText(look)));
  const made = await evict(chosen, pending, visit);
  if (made.kind === 'failed') return report({ pending, look, made }, visit);
  await keep(visit, withMessage(withEvicted(keptOf(visit), made.uids), pending, made.message));
  tell(pending, 'ActionTaken', noteOf(look, made), visit);
}

const isOf =
  ({ component, rule }: PendingAction) =>
  (look: RuleLook): boolean =>
    look.component === component && look.rule === rule;

const noteOf = (look: RuleLook, { message }: Made): string => `${pressureText(look)}: ${message}`;
