import { type Behavior, type BehaviorMemory, freshMemory, limit } from './scaling-behavior.ts';
import { type PodSample, replicasForPodsMetric, type Tolerance } from './pods-metric.ts';

/** A Pods metric that the HPA does not read itself (nobody serves it), so it is folded into the floor. */
export interface ShadowMetric {
  readonly name: string;
  /** AverageValue per Pod. */
  readonly target: number;
  readonly pods: readonly PodSample[];
}

export interface FloorInput {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** The floor in force: minReplicas of the HPA; undefined before it exists. */
  readonly floor: number | undefined;
  /** spec.replicas of the target. */
  readonly current: number;
  readonly shadow: readonly ShadowMetric[];
  readonly behavior: Behavior;
  readonly tolerance: Tolerance;
  readonly memory: BehaviorMemory | undefined;
  readonly now: number;
}

export type FloorReason =
  | 'LoadHigh'
  | 'LoadLow'
  | 'MinReplicas'
  | 'MaxReplicas'
  | 'MetricsStale'
  | 'Stabilizing'
  | 'RateLimited'
  | 'WithinBand';

/** The floor to set and why; also when it stays as it is. */
export interface FloorDecision {
  readonly action: 'ScaleUp' | 'ScaleDown' | 'Hold';
  readonly from: number;
  readonly to: number;
  readonly reason: FloorReason;
  /** One sentence with the figures behind the answer. */
  readonly message: string;
  readonly memory: BehaviorMemory | undefined;
}

/**
 * The floor under the autoscaler: the greatest of the policy's minReplicas and what each shadowed metric asks for, held to the policy's behavior and bounds.
 * A metric without a single value holds the floor where it is, and for a whole window after that nothing is lowered: unknown is not low.
 */
export function decideFloor(input: FloorInput): FloorDecision {
  const { minReplicas, maxReplicas, shadow, now } = input;
  const from = input.floor ?? minReplicas;
  const current = Math.max(input.current, from); // a floor just raised counts as reached: the HPA jumps there at its next sync
  const clamp = (replicas: number): number => Math.min(Math.max(replicas, minReplicas), maxReplicas);
  const decided = (to: number, reason: FloorReason, message: string, memory = input.memory): FloorDecision => ({
    action: to > from ? 'ScaleUp' : to < from ? 'ScaleDown' : 'Hold',
    from,
    to,
    reason,
    message,
    memory,
  });
  if (shadow.length === 0)
    return decided(minReplicas, 'MinReplicas', `The floor is the policy's minReplicas ${minReplicas}.`);

  const answers = shadow.map((metric) => ({
    metric,
    answer: replicasForPodsMetric({ current, ...metric, tolerance: input.tolerance }),
  }));
  const unknown = answers.filter(({ answer }) => answer === undefined).map(({ metric }) => metric.name);
  if (unknown.length > 0) {
    const to = clamp(from);
    const blind = `No Pod has a fresh ${unknown.join(', ')}`;
    return decided(
      to,
      'MetricsStale',
      to === from
        ? `${blind}: the floor stays (unknown is not low).`
        : `The floor goes to ${to > from ? 'minReplicas' : 'maxReplicas'} ${to}. ${blind}, so no load moves it.`,
      { ...(input.memory ?? freshMemory(current, now)), unknownAt: now },
    );
  }

  const known = answers.flatMap(({ metric, answer }) => (answer === undefined ? [] : [{ metric, answer }]));
  const leading = known.reduce((best, next) => (next.answer.replicas > best.answer.replicas ? next : best));
  const desired = leading.answer.replicas;
  const limited = limit({
    desired,
    current,
    behavior: input.behavior,
    memory: input.memory ?? freshMemory(current, now),
    now,
  });
  // On the way down the floor follows the load, never the replicas that another metric holds up.
  const to = clamp(desired < current ? Math.min(limited.replicas, Math.max(from, desired)) : limited.replicas);
  return decided(
    to,
    reasonOf({ from, to, desired, limited: limited.limitedBy, minReplicas, maxReplicas }),
    to === minReplicas && desired < minReplicas
      ? sentence(leading, desired, undefined, `the policy's minReplicas ${to}`)
      : sentence(leading, desired, limited.limitedBy, String(to)),
    limited.memory,
  );
}

function reasonOf(at: {
  from: number;
  to: number;
  desired: number;
  limited: string | undefined;
  minReplicas: number;
  maxReplicas: number;
}): FloorReason {
  if (at.to === at.maxReplicas && at.desired > at.maxReplicas) return 'MaxReplicas';
  if (at.to === at.minReplicas && at.desired < at.minReplicas) return 'MinReplicas';
  if (at.to > at.from) return 'LoadHigh';
  if (at.to < at.from) return 'LoadLow';
  if (at.limited?.endsWith('Stabilization') === true) return 'Stabilizing';
  if (at.limited !== undefined) return 'RateLimited';
  return at.to === at.minReplicas ? 'MinReplicas' : 'WithinBand';
}

function sentence(
  { metric, answer }: { metric: ShadowMetric; answer: { average: number; measured: number; missing: number } },
  desired: number,
  limitedBy: string | undefined,
  floor: string,
): string {
  const seen = `${metric.name} is ${figure(answer.average)} a Pod over ${answer.measured} Pods${answer.missing > 0 ? ` (${answer.missing} unknown)` : ''}`;
  const held = limitedBy === undefined ? '' : `, held by ${limitedBy}`;
  return `${seen}; at ${figure(metric.target)} a Pod that asks for ${desired}${held}: the floor is ${floor}.`;
}

const figure = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+$/, '');
