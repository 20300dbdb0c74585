import { milliseconds } from '../../api/duration.ts';
import { isMetric, readValue, type Metric } from '../../api/measure.ts';
import { quantity } from '../../api/quantity.ts';
import type { OptimizerAction } from '../../api/optimizer.ts';
import type { EffectivePolicy } from '../effective-policy.ts';

/** A rule with its strings read. */
export interface OptimizerRule {
  readonly name: string;
  readonly isOnlyTold: boolean;
  readonly metric: Metric;
  readonly operator: 'GreaterThan' | 'LessThan';
  /** In the base unit of the metric. */
  readonly value: number;
  readonly forMs: number;
  readonly action: OptimizerAction;
  readonly cooldownMs: number;
  readonly settleMs: number;
  /** Of EvictWorstPod (Pods) and RaiseMemoryLimit (bytes): how much at once, and how far. */
  readonly bounds?: { readonly step: number; readonly max: number };
}

export interface OptimizerRules {
  readonly isOnlyTold: boolean;
  /** Between two looks. */
  readonly intervalMs: number;
  /** Before an action, and after it has settled. */
  readonly windowMs: number;
  readonly maxActionsPerHour: number;
  readonly maxBackoffMs: number;
  /** What is cheap and can be taken back comes first; otherwise as they stand in the policy. */
  readonly rules: readonly OptimizerRule[];
}

/** What each action needs to show what it does, where the policy says nothing of it; and its place: cheap and reversible first, restarts last. */
const actions: Readonly<Record<OptimizerAction, { readonly settleMs: number; readonly rank: number }>> = {
  CollectGarbage: { settleMs: 30_000, rank: 0 },
  ClearExpiredCache: { settleMs: 60_000, rank: 0 },
  WarmPopularCache: { settleMs: 120_000, rank: 0 },
  ReduceWorkers: { settleMs: 90_000, rank: 1 },
  RaiseMemoryLimit: { settleMs: 60_000, rank: 2 },
  EvictWorstPod: { settleMs: 60_000, rank: 3 },
};

/** The optimizer of a policy. */
export function optimizerRules({ rules, settle, ...policy }: EffectivePolicy['optimizer']): OptimizerRules {
  const read = rules.flatMap(({ name, mode, when, action, cooldown, bounds }): readonly OptimizerRule[] => {
    const { metric, operator, value } = when;
    if (!isMetric(metric)) return []; // the policy is rejected
    return [
      {
        name,
        isOnlyTold: mode === 'DryRun',
        metric,
        operator,
        value: readValue(metric, value),
        forMs: milliseconds(when.for),
        action,
        cooldownMs: milliseconds(cooldown),
        settleMs: settle === undefined ? actions[action].settleMs : milliseconds(settle),
        ...(bounds !== undefined && { bounds: { step: quantity(bounds.step), max: quantity(bounds.max) } }),
      },
    ];
  });
  return {
    isOnlyTold: policy.mode === 'DryRun',
    intervalMs: milliseconds(policy.interval),
    windowMs: milliseconds(policy.baseline),
    maxActionsPerHour: policy.maxActionsPerHour,
    maxBackoffMs: milliseconds(policy.maxBackoff),
    rules: read.toSorted((a, b) => actions[a.action].rank - actions[b.action].rank),
  };
}
