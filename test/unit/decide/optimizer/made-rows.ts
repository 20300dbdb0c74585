import type { OptimizerRule, OptimizerRules } from '../../../../operator/decide/optimizer/rules.ts';
import type { Rows } from '../../../../operator/decide/optimizer/rows.ts';
import { random } from '../../../../operator/simulate/random.ts';

export const rowMs = 10_000;
/** When the newest row was closed. */
export const now = 1_800_000_000_000;

/** Rows of these figures, one every ten seconds until `now`; three Pods unless given. */
export function rowsOf(
  measures: Rows['measures'],
  { pods, answered }: { readonly pods?: readonly number[]; readonly answered?: readonly number[] } = {},
): Rows {
  const length = Math.max(0, ...Object.values(measures).map((column) => column?.length ?? 0));
  const three = Array.from({ length }, () => 3);
  return {
    times: three.map((_, row) => now - (length - 1 - row) * rowMs),
    podsReady: pods ?? three,
    podsAnswered: answered ?? pods ?? three,
    measures,
  };
}

/** So many figures around a mean, each by itself. */
export function around(mean: number, deviation: number, length: number, seed = 1): number[] {
  const uniform = random(seed);
  return Array.from(
    { length },
    () => mean + deviation * (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3),
  );
}

export const same = (value: number, length: number): number[] => Array.from({ length }, () => value);

export const rule: OptimizerRule = {
  name: 'gc',
  isOnlyTold: false,
  metric: 'memory',
  operator: 'GreaterThan',
  value: 100,
  forMs: 0,
  action: 'CollectGarbage',
  cooldownMs: 300_000,
  settleMs: 30_000,
};

export const policy: OptimizerRules = {
  isOnlyTold: false,
  intervalMs: 60_000,
  windowMs: 120_000,
  maxActionsPerHour: 6,
  maxBackoffMs: 6 * 3_600_000,
  rules: [rule],
};
