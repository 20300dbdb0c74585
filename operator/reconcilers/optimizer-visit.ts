import { milliseconds } from '../api/duration.ts';
import { eventReasons, type EventReason } from '../api/event-reasons.ts';
import type { GenerationService } from '../api/generation-service.ts';
import type { ActionOutcome } from '../api/optimizer.ts';
import { paceOf } from '../decide/burn.ts';
import { nothingKept, type KeptOptimizer, type PendingAction } from '../decide/optimizer/kept.ts';
import type { LookAnswer } from '../decide/optimizer/look.ts';
import { noRows, type Rows } from '../decide/optimizer/rows.ts';
import type { OptimizerRule, OptimizerRules } from '../decide/optimizer/rules.ts';
import type { Resolved } from '../decide/resolve.ts';
import type { EventRecorder } from '../kube/events.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import type { Queue } from '../kube/queue.ts';
import type { Collector } from '../metrics/collector.ts';
import { optimizerColumns, optimizerRows } from '../metrics/optimizer-rows.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { LastWords } from './last-words.ts';
import type { ActionDeps } from './optimizer-actions.ts';
import type { VisitDeps } from './visit.ts';

export interface OptimizerDeps
  extends
    Pick<VisitDeps, 'caches' | 'kube' | 'podsMetrics' | 'clock' | 'states' | 'policies' | 'accepted' | 'mayAct'>,
    Pick<ActionDeps, 'admin' | 'sweep'> {
  readonly standings: Pick<VisitDeps['standings'], 'of'>;
  readonly collector: Pick<Collector, 'rowsOf' | 'podFigures' | 'usageEveryMs'>;
  readonly optimizerLooks: LastWords<LookAnswer>;
  /** Of the GenerationService reconciler, which writes what was decided. */
  readonly services: Pick<Queue, 'add'>;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

type Service = GenerationService & KubeObject;

/** One visit of one service. */
export interface Visit {
  readonly service: Service;
  readonly resolved: Resolved;
  readonly rules: OptimizerRules;
  readonly deps: OptimizerDeps;
  readonly signal: AbortSignal;
}

export const keptOf = ({ service, deps }: Pick<Visit, 'service' | 'deps'>): KeptOptimizer =>
  deps.states.of(service).optimizer ?? nothingKept;

export const keep = ({ service, deps: { states }, signal }: Visit, optimizerState: KeptOptimizer): Promise<void> =>
  states.write(service, (state) => ({ ...state, optimizer: optimizerState }), signal);

export const rowMsOf = ({ resolved }: Pick<Visit, 'resolved'>): number =>
  milliseconds(resolved.policy.collector.interval);

export function rowsOf({ service, deps: { collector } }: Visit, component: string, since: number): Rows {
  const slice = collector.rowsOf(keyOf(service), component, since, optimizerColumns);
  return slice === undefined ? noRows : optimizerRows(slice);
}

/** The budget of an objective burns at the fastest pace, and the policy freezes what does not give something back. */
export function isFrozen({ service, resolved, deps: { standings, clock } }: Visit): boolean {
  const standing = standings.of(service);
  const rates = standing?.looked.map(({ name }) => standing.burnRates(name, clock.now())) ?? [];
  const isBurning = rates.some((each) => paceOf(each)?.long === '1h');
  return isBurning && resolved.policy.objectives.onFastBurn === 'Freeze';
}

export const ruleOf = ({ rule }: PendingAction, { rules }: Visit): OptimizerRule | undefined =>
  rules.rules.find(({ name }) => name === rule);

/** Of a rule that is gone the longest wait of the policy says enough: nothing acts by it. */
export const cooldownOf = (pending: PendingAction, visit: Visit) => {
  const { maxBackoffMs } = visit.rules;
  return { maxBackoffMs, cooldownMs: ruleOf(pending, visit)?.cooldownMs ?? maxBackoffMs };
};

export const count = ({ action }: PendingAction, outcome: ActionOutcome, { metrics }: OptimizerDeps): void =>
  metrics.optimizerActions.inc({ action, outcome });

export const tell = (
  { component, rule, action }: PendingAction,
  reason: EventReason,
  note: string,
  visit: Visit,
): void => record(reason, { action, note: `${rule} on ${component}, ${action}: ${note}` }, visit);

export function record(
  reason: EventReason,
  { action, note }: { readonly action: string; readonly note: string },
  { service, deps }: Visit,
): void {
  const { namespace, name } = service.metadata;
  deps.logger.info('optimizer', { namespace, name, reason, action, why: note });
  deps.events.record({ regarding: service, type: eventReasons[reason].type, reason, action, note });
}
