/** One Pod of the scaled workload as the HPA sorts them: `pending` has not started, `leaving` is being deleted or has failed. `value` is absent while it is unknown; `observedAt` (ms since the epoch) is when it was measured. */
export interface PodSample {
  readonly state: 'running' | 'pending' | 'leaving';
  readonly value?: number;
  readonly observedAt?: number;
}

/** Ratio of usage to target within which nothing is scaled, below and above 1. */
export interface Tolerance {
  readonly down: number;
  readonly up: number;
}

export interface PodsMetricInput {
  /** spec.replicas of the target. */
  readonly current: number;
  /** AverageValue to hold per Pod, in the unit of the samples. */
  readonly target: number;
  readonly pods: readonly PodSample[];
  readonly tolerance: Tolerance;
}

export interface PodsMetricAnswer {
  readonly replicas: number;
  /** Replicas that share what was measured, whatever is unknown; without the tolerance. */
  readonly needed: number;
  /** Mean over the Pods that have a value, and how many those are; what the HPA would show in its status. */
  readonly average: number;
  readonly measured: number;
  readonly missing: number;
}

/**
 * Replicas that the HPA controller would ask for by one Pods metric with target type AverageValue.
 *
 * Source: kubernetes pkg/controller/podautoscaler/replica_calculator.go, `calcPlainMetricReplicas`. A Pod without a value counts as 0 on the way up and as the target on the way down;
 * where that turns the direction round, nothing is scaled.
 *
 * @returns undefined when no running Pod has a value: unknown, so the caller holds.
 */
export function replicasForPodsMetric({
  current,
  target,
  pods,
  tolerance,
}: PodsMetricInput): PodsMetricAnswer | undefined {
  const staying = pods.filter(({ state }) => state !== 'leaving');
  const running = staying.filter(({ state }) => state === 'running');
  const pending = staying.length - running.length;
  const values = running.flatMap(({ value }) => (value === undefined ? [] : [value]));
  if (values.length === 0) return undefined;
  const missing = running.length - values.length;
  const ratio = mean(values) / target;
  const needed = Math.ceil(round(ratio * values.length));
  const answer = (replicas: number): PodsMetricAnswer => ({
    replicas,
    needed,
    average: mean(values),
    measured: values.length,
    missing,
  });

  const pendingCounts = pending > 0 && ratio > 1;
  if (!pendingCounts && missing === 0) return answer(isTolerated(ratio, tolerance) ? current : needed);

  const assumed = Array<number>(missing).fill(ratio < 1 ? target : 0);
  const counted = [...values, ...assumed, ...Array<number>(pendingCounts ? pending : 0).fill(0)];
  const secondRatio = mean(counted) / target;
  if (isTolerated(secondRatio, tolerance) || ratio < 1 !== secondRatio < 1) return answer(current);
  const wanted = Math.ceil(round(secondRatio * counted.length));
  return answer(secondRatio < 1 ? Math.min(wanted, current) : Math.max(wanted, current));
}

/** The bounds themselves are tolerated. */
export const isTolerated = (ratio: number, { down, up }: Tolerance): boolean => ratio >= 1 - down && ratio <= 1 + up;
/** The HPA counts in whole milli-units and cuts off the rest of a mean. */
const mean = (values: readonly number[]): number =>
  Math.floor((1_000 * values.reduce((sum, value) => sum + value, 0)) / values.length + 1e-6) / 1_000;
/** A sum of floats that is 3.0000000000000004 must not ask for a fourth Pod. */
const round = (value: number): number => Math.round(value * 1e6) / 1e6;
