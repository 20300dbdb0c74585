import { createHash } from 'node:crypto';
import type { Maintenance } from '../maintenance-window.ts';
import { recordKey, type KeptOptimizer, type PendingAction } from './kept.ts';
import { nextLimit } from './raise.ts';
import { actsWithinHour, freeAgainAt } from './records.ts';
import type { OptimizerRule, OptimizerRules } from './rules.ts';
import { mayEvict, tellsPodsApart } from './worst-pods.ts';

/** What keeps a rule from acting. */
export type RuleHold =
  | 'Quiet'
  | 'MetricsMissing'
  | 'NotMeasured'
  | 'Cooldown'
  | 'ActionAtWork'
  | 'ActionsExhausted'
  | 'BudgetBurning'
  | 'Braked'
  | 'MaintenancePending'
  | 'NoAdmin'
  | 'NoRuntime'
  | 'NotAtMax'
  | 'AtLeast'
  | 'NoPodFigures'
  | 'LastPod'
  | 'AtBound'
  | 'NotOurLimit'
  | 'OomKilled'
  | 'DryRun'
  | 'Paused';

/** What holds of a component, beside its figures. */
export interface Situation {
  readonly name: string;
  /** It takes admin actions. */
  readonly hasAdmin: boolean;
  /** The service has a Redis whose expired keys can go. */
  readonly hasCache: boolean;
  /** What holds of its workers; undefined: its Pods have no settings from us. */
  readonly workers: { readonly isAtMax: boolean; readonly mayReduce: boolean } | undefined;
  readonly readyPods: number;
  /** ms since the epoch: until when a Pod that was killed for its memory counts; undefined: none does. */
  readonly oomHeldUntil: number | undefined;
  /** The memory limit in force, and whether another one stops Pods; undefined: it is not ours. */
  readonly memoryLimit: { readonly bytes: number; readonly disrupts: boolean } | undefined;
}

/** What holds of the service. */
export interface Moment {
  readonly mode: 'Enforce' | 'DryRun' | 'Paused';
  readonly policy: OptimizerRules;
  readonly kept: KeptOptimizer;
  /** Value of the annotation genops.dev/approve. */
  readonly approved: string | undefined;
  /** The error budget of an objective burns fast, and the policy freezes what does not give something back. */
  readonly isFrozen: boolean;
  /** ms since the epoch: until when actions of all services are held; undefined: they are not. */
  readonly brakedUntil: number | undefined;
  readonly maintenance: Maintenance;
  /** ms since the epoch. */
  readonly now: number;
}

export interface Held {
  readonly heldBy?: RuleHold;
  readonly heldUntil?: number | undefined;
  readonly approval?: string;
}
const hold = (by: RuleHold): Held => ({ heldBy: by });

/** What keeps a rule whose comparison holds from acting, the most lasting first; undefined: nothing. */
export function heldBy(rule: OptimizerRule, component: Situation, moment: Moment): Held | undefined {
  const { mode, policy, kept, isFrozen, brakedUntil, maintenance, now } = moment;
  const ofAction = actionHeldBy(rule, component, moment);
  if (ofAction !== undefined) return hold(ofAction);
  if (mode === 'Paused') return hold('Paused');
  if (component.oomHeldUntil !== undefined && isByMemory(rule))
    return { heldBy: 'OomKilled', heldUntil: component.oomHeldUntil };
  if (disrupts(rule, component) && !maintenance.isOpen)
    return { heldBy: 'MaintenancePending', heldUntil: maintenance.opensAt };
  const key = recordKey({ component: component.name, rule: rule.name });
  const nextAt = kept.records[key]?.nextAt ?? 0;
  if (kept.pending !== undefined) {
    const isNext = recordKey(kept.pending) !== key && now >= nextAt; // after its own what that comes to says when it acts again
    return { ...atWork(kept, now), ...(isNext && awaitedApproval(rule, component, moment)) };
  }
  if (now < nextAt) return { heldBy: 'Cooldown', heldUntil: nextAt };
  if (actsWithinHour(kept, now).length >= policy.maxActionsPerHour)
    return { heldBy: 'ActionsExhausted', heldUntil: freeAgainAt(kept, now) };
  if (brakedUntil !== undefined) return { heldBy: 'Braked', heldUntil: brakedUntil };
  if (isFrozen && (rule.action === 'ReduceWorkers' || disrupts(rule, component))) return hold('BudgetBurning');
  if (mode === 'DryRun') return hold('DryRun');
  const awaited = awaitedApproval(rule, component, moment);
  return awaited && { heldBy: 'DryRun', ...awaited };
}

/** The value that a rule waits for; undefined: it needs none, has it, or none would let it pass. */
function awaitedApproval(
  rule: OptimizerRule,
  { name }: Situation,
  { mode, policy, kept, approved }: Moment,
): { readonly approval: string } | undefined {
  if (mode !== 'Enforce' || (!policy.isOnlyTold && !rule.isOnlyTold)) return undefined;
  const approval = approvalOf(rule, { component: name, kept });
  return approved === approval ? undefined : { approval };
}

/** What the action itself needs. */
function actionHeldBy(
  rule: OptimizerRule,
  component: Situation,
  { kept, now }: Pick<Moment, 'kept' | 'now'>,
): RuleHold | undefined {
  if (rule.action === 'ReduceWorkers') return workersHeldBy(component.workers);
  if (rule.action === 'RaiseMemoryLimit') return limitHeldBy(rule, component.memoryLimit);
  if (rule.action === 'ClearExpiredCache' && component.hasCache) return undefined;
  if (rule.action !== 'EvictWorstPod') return component.hasAdmin ? undefined : 'NoAdmin';
  if (!tellsPodsApart(rule.metric)) return 'NoPodFigures';
  if (component.readyPods < 2) return 'LastPod';
  return mayEvict(rule, component, kept, now) === 0 ? 'AtBound' : undefined;
}

function limitHeldBy(rule: OptimizerRule, limit: Situation['memoryLimit']): RuleHold | undefined {
  if (limit === undefined) return 'NotOurLimit';
  return nextLimit(rule, limit.bytes) === undefined ? 'AtBound' : undefined;
}

/** Stops Pods: only within a maintenance window, and not while the error budget burns. */
const disrupts = ({ action }: OptimizerRule, { memoryLimit }: Situation): boolean =>
  action === 'EvictWorstPod' || (action === 'RaiseMemoryLimit' && memoryLimit?.disrupts === true);

/** What a kill has freed would count as the action's doing; but more room is what it asks for. */
const isByMemory = ({ metric, action }: OptimizerRule): boolean =>
  (metric === 'memory' || metric === 'memoryPercent') && action !== 'RaiseMemoryLimit';

/** While more Pods may come, fewer workers in each would only bring them. */
function workersHeldBy(workers: Situation['workers']): RuleHold | undefined {
  if (workers === undefined) return 'NoRuntime';
  if (!workers.isAtMax) return 'NotAtMax';
  return workers.mayReduce ? undefined : 'AtLeast';
}

/** What a person approves: this action of this rule, and no second one, which would come after another last one. */
function approvalOf(
  { name, action, metric, operator, value }: OptimizerRule,
  { component, kept }: { readonly component: string; readonly kept: KeptOptimizer },
): string {
  const last = kept.records[recordKey({ component, rule: name })]?.actedAt ?? 0;
  const plan = [component, name, action, metric, operator, value, last];
  return createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 12);
}

/** Two at a time: nobody could tell which of them helped. */
export const atWork = ({ pending }: KeptOptimizer, now: number): Held => ({
  heldBy: 'ActionAtWork',
  heldUntil: pending === undefined ? now : judgedAt(pending),
});

/** When the rows after an action are complete, ms since the epoch. */
export const judgedAt = ({ begunAt, doneAt = begunAt, settleMs, windowMs }: PendingAction): number =>
  doneAt + settleMs + windowMs;
