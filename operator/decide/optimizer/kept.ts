import { isMetric, type Metric } from '../../api/measure.ts';
import { actionOutcomes, optimizerActions, type ActionOutcome, type OptimizerAction } from '../../api/optimizer.ts';
import type { Raises } from './raise.ts';
import type { Reductions } from './reduction.ts';

/** An action that is at work, or is about to be: written before it is made. */
export interface PendingAction {
  readonly component: string;
  readonly rule: string;
  readonly action: OptimizerAction;
  readonly metric: Metric;
  /** The comparison of the rule: what it complains of is to become less. */
  readonly operator: 'GreaterThan' | 'LessThan';
  /** ms since the epoch. */
  readonly begunAt: number;
  /** When the workload has acknowledged it. Absent: not yet; after a restart nobody knows whether it was made, and it is not made again. */
  readonly doneAt?: number;
  readonly settleMs: number;
  readonly windowMs: number;
  /** Hash of the settings that the Pods ran with, where new ones are what is done. */
  readonly hash?: string;
  /** What the memory limit is raised to. */
  readonly limitBytes?: number;
  /** Pods that are evicted, and how many of the component were Ready before. */
  readonly evicted?: Evicted;
}

interface Evicted {
  readonly uids: readonly string[];
  readonly ready: number;
}

/** How a rule has fared on a component. */
export interface RuleRecord {
  /** ms since the epoch; of the newest action. */
  readonly actedAt: number;
  readonly nextAt: number;
  /** How many times its cooldown it waits. */
  readonly backoff: number;
  /** Absent: the action is at work. */
  readonly outcome?: ActionOutcome;
  readonly metric: Metric;
  /** In the base unit of the metric. */
  readonly before?: number;
  readonly after?: number;
  /** What it was made for, what was done, and what came of it beside what was to be expected. */
  readonly message?: string;
  /** Actions that were judged, and those of them that helped. */
  readonly judged: number;
  readonly improved: number;
}

export interface Act {
  readonly component: string;
  readonly at: number;
  readonly until: number;
  /** Something was given back: no action of a rule. */
  readonly isBack?: true;
  /** Pods that it was about to evict; once that is known, those that it has. */
  readonly evicted?: number;
}

/** What of a service's optimizer survives a restart. */
export interface KeptOptimizer {
  /** By component and rule, see `recordKey`. */
  readonly records: Readonly<Record<string, RuleRecord>>;
  readonly pending?: PendingAction;
  /** Workers that are taken away. */
  readonly reductions?: Reductions;
  /** Memory limits that are raised. */
  readonly raises?: Raises;
  /** Actions of the last hours, ms since the epoch: from when until when a component was under them. */
  readonly acts: readonly Act[];
}

export const nothingKept: KeptOptimizer = { records: {}, acts: [] };

export const recordKey = ({ component, rule }: { readonly component: string; readonly rule: string }): string =>
  `${component}/${rule}`;

/** What was written, as far as it is what `KeptOptimizer` says; undefined where there is nothing of it. */
export function readOptimizer(value: unknown): KeptOptimizer | undefined {
  if (!isObject(value)) return undefined;
  const records = entriesOf(value['records'], isRecord);
  const acts = Array.isArray(value['acts']) ? value['acts'].filter(isAct) : [];
  const { pending } = value;
  const reductions = entriesOf(value['reductions'], isReduction);
  const raises = entriesOf(value['raises'], isRaise);
  return {
    records: Object.fromEntries(records) as KeptOptimizer['records'],
    acts,
    ...(isPending(pending) && { pending }),
    ...(reductions.length > 0 && { reductions: Object.fromEntries(reductions) as Reductions }),
    ...(raises.length > 0 && { raises: Object.fromEntries(raises) as Raises }),
  };
}

const entriesOf = (value: unknown, is: (one: unknown) => boolean): readonly [string, unknown][] =>
  Object.entries(isObject(value) ? value : {}).filter(([, one]) => is(one));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const hasNumbers = (value: Readonly<Record<string, unknown>>, ...names: readonly string[]): boolean =>
  names.every((name) => Number.isFinite(value[name]));

const isMetricName = (value: unknown): boolean => typeof value === 'string' && isMetric(value);

const isRecord = (value: unknown): boolean =>
  isObject(value) &&
  hasNumbers(value, 'actedAt', 'nextAt', 'backoff', 'judged', 'improved') &&
  isMetricName(value['metric']) &&
  (value['outcome'] === undefined || actionOutcomes.some((outcome) => outcome === value['outcome']));

const isReduction = (value: unknown): boolean =>
  isObject(value) &&
  hasNumbers(value, 'changedAt', 'waitMs') &&
  Array.isArray(value['steps']) &&
  value['steps'].every((rule) => typeof rule === 'string');

const isRaise = (value: unknown): boolean =>
  isObject(value) &&
  hasNumbers(value, 'changedAt', 'waitMs') &&
  Array.isArray(value['steps']) &&
  value['steps'].every((step) => isObject(step) && typeof step['rule'] === 'string' && hasNumbers(step, 'bytes'));

const isAct = (value: unknown): value is KeptOptimizer['acts'][number] =>
  isObject(value) && typeof value['component'] === 'string' && hasNumbers(value, 'at', 'until');

const isPending = (value: unknown): value is PendingAction =>
  isObject(value) &&
  typeof value['component'] === 'string' &&
  typeof value['rule'] === 'string' &&
  optimizerActions.some((action) => action === value['action']) &&
  isMetricName(value['metric']) &&
  (value['operator'] === 'GreaterThan' || value['operator'] === 'LessThan') &&
  hasNumbers(value, 'begunAt', 'settleMs', 'windowMs') &&
  (value['evicted'] === undefined || isEvicted(value['evicted']));

const isEvicted = (value: unknown): boolean =>
  isObject(value) &&
  hasNumbers(value, 'ready') &&
  Array.isArray(value['uids']) &&
  value['uids'].every((uid) => typeof uid === 'string');
