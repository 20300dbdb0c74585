import type { Metric } from '../../api/measure.ts';
import type { OptimizerAction } from '../../api/optimizer.ts';
import { atWork, heldBy, type Held, type Moment, type RuleHold, type Situation } from './holds.ts';
import type { PendingAction } from './kept.ts';
import { isFresh, pressureOf } from './pressure.ts';
import type { Rows } from './rows.ts';
import type { OptimizerRule, OptimizerRules } from './rules.ts';

/** One look at one rule on one component. */
export interface RuleLook {
  readonly component: string;
  readonly rule: string;
  readonly action: OptimizerAction;
  readonly metric: Metric;
  readonly operator: 'GreaterThan' | 'LessThan';
  readonly threshold: number;
  /** In the base unit of the metric; undefined: not known. */
  readonly saw: number | undefined;
  /** Undefined: it acts. */
  readonly heldBy: RuleHold | undefined;
  /** ms since the epoch; when time alone ends what holds it. */
  readonly heldUntil: number | undefined;
  /** Of what it would do in DryRun, or after the action that is at work: with it in the annotation genops.dev/approve it does so once. */
  readonly approval?: string;
  /** What it settles for, where that is longer than declared, and how often its metric comes anew; absent: as declared. */
  readonly settles?: { readonly declaredMs: number; readonly ms: number; readonly everyMs: number };
}

export interface LookInput extends Moment {
  readonly components: readonly (Situation & {
    readonly rows: Rows;
    /** How often its CPU and memory come anew; 0: with each row. */
    readonly usageEveryMs: number;
  })[];
  /** Between two rows. */
  readonly rowMs: number;
}

export interface LookAnswer {
  readonly looks: readonly RuleLook[];
  /** Components of which nothing fresh is known, and those of which nothing was read yet. */
  readonly blind: readonly string[];
  readonly unread: readonly string[];
  /** What is to be done: at most one action at a time. */
  readonly action: PendingAction | undefined;
}

const free: Held = {};

/** Every rule on every component, and the first that acts. */
export function lookAtRules(input: LookInput): LookAnswer {
  const { policy, components, kept, rowMs, now } = input;
  let action: PendingAction | undefined;
  const looks = policy.rules.flatMap((rule) =>
    components.map((component): RuleLook => {
      const { saw, isOver } = pressureOf(rule, component.rows, { intervalMs: rowMs, now });
      const held: Held = isOver
        ? (heldBy(rule, component, input) ?? (action === undefined ? free : atWork(kept, now)))
        : { heldBy: saw === undefined ? missing(rule, component.rows) : 'Quiet' };
      const { name, metric, operator } = rule;
      const settleMs = settleMsOf(rule, component.usageEveryMs);
      if (held.heldBy === undefined) action = begin({ ...rule, settleMs }, component.name, policy, now);
      return {
        component: component.name,
        rule: name,
        action: rule.action,
        metric,
        operator,
        threshold: rule.value,
        saw,
        heldBy: held.heldBy,
        heldUntil: held.heldUntil,
        ...(held.approval !== undefined && { approval: held.approval }),
        ...(settleMs > rule.settleMs && {
          settles: { declaredMs: rule.settleMs, ms: settleMs, everyMs: component.usageEveryMs },
        }),
      };
    }),
  );
  const known = components.map(({ name, rows }) => ({
    name,
    isUnread: rows.times.length === 0,
    isFresh: isFresh(rows, { intervalMs: rowMs, now }),
  }));
  return {
    looks,
    action,
    blind: known.filter(({ isUnread, isFresh: is }) => !isUnread && !is).map(({ name }) => name),
    unread: known.filter(({ isUnread }) => isUnread).map(({ name }) => name),
  };
}

/** What is measured of a container from outside. */
const usage: ReadonlySet<Metric> = new Set(['cpuPercent', 'memory', 'memoryPercent']);

/** At least twice what its metric takes to come anew: what is there when an action is done was measured before it, and what replaces it may have been too. */
const settleMsOf = ({ metric, settleMs }: OptimizerRule, usageEveryMs: number): number =>
  usage.has(metric) ? Math.max(settleMs, 2 * usageEveryMs) : settleMs;

/** Of a metric that no row has (a signal of the service's own) there will never be a figure. */
const missing = ({ metric }: OptimizerRule, { times, measures }: Rows): RuleHold =>
  times.length > 0 && measures[metric] === undefined ? 'NotMeasured' : 'MetricsMissing';

const begin = (
  { name, action, metric, operator, settleMs }: OptimizerRule,
  component: string,
  { windowMs }: OptimizerRules,
  now: number,
): PendingAction => ({ component, rule: name, action, metric, operator, begunAt: now, settleMs, windowMs });
