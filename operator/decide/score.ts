import { milliseconds } from '../api/duration.ts';
import { isMetric, readValue, type Metric } from '../api/measure.ts';
import { ratio } from '../api/ratio.ts';
import type { EffectivePolicy } from './effective-policy.ts';
import { significant } from './significant.ts';

/** A signal with its value in the base unit of its metric. */
interface Signal {
  readonly name: string;
  readonly metric: Metric;
  readonly operator: 'GreaterThan' | 'LessThan';
  readonly value: number;
  readonly score: number;
}
interface Direction {
  readonly threshold: number;
  readonly step: number;
  readonly signals: readonly Signal[];
}
export interface ScoreRules {
  readonly cooldownMs: number;
  readonly scaleUp: Direction;
  readonly scaleDown: Direction;
  readonly blockAboveErrorRatio: number;
  /** Least replicas once metrics have been missing for so long; undefined: missing metrics only hold. */
  readonly fallback: { readonly replicas: number; readonly afterMs: number } | undefined;
}

/** Newest value of each metric in its base unit (s, bytes, %, 1/s, ratio 0–1). `idle`: it is known that there was nothing to measure it by (no request was answered). Absent: unknown or stale. */
export type Seen = Readonly<Partial<Record<Metric, number | 'idle' | undefined>>>;

/** What has to survive a restart. Times in ms since the epoch. */
export interface ScoreMemory {
  readonly lastScaledAt?: number | undefined;
  /** Since when a needed metric has been missing. */
  readonly missingSince?: number | undefined;
}

export interface ScoreInput {
  readonly rules: ScoreRules;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly seen: Seen;
  /** Figures are of less than a whole window, as after a start: nothing is taken away. */
  readonly isWarmingUp?: boolean;
  /** Figures are of a roll-out: nothing is taken away either. */
  readonly isRollingOut?: boolean | undefined;
  /** A Pod was killed for its memory a short while ago: little memory in use is that of a process that began anew. */
  readonly isOomKilled?: boolean;
  /** Replicas now: the floor of the HPA, or the scale subresource where there is no HPA. */
  readonly current: number;
  readonly memory: ScoreMemory;
  /** ms since the epoch. */
  readonly now: number;
}

export interface Judged extends Signal {
  readonly saw: number | 'idle' | undefined;
  readonly verdict: 'holds' | 'no' | 'idle' | 'missing' | 'killed';
}
export interface Points {
  readonly points: number;
  readonly threshold: number;
  readonly signals: readonly Judged[];
}

export type ScoreReason =
  | 'PressureHigh'
  | 'PressureLow'
  | 'CoolingDown'
  | 'MetricsMissing'
  | 'Fallback'
  | 'ErrorsHigh'
  | 'WarmingUp'
  | 'RollingOut'
  | 'WithinBand';

export interface ScoreDecision {
  readonly from: number;
  readonly to: number;
  readonly reason: ScoreReason;
  /** The bound that cut a step short, or moved what lay outside. */
  readonly clippedBy: 'MinReplicas' | 'MaxReplicas' | undefined;
  readonly up: Points;
  readonly down: Points;
  /** ms since the epoch: the end of the cooldown; undefined where none runs. */
  readonly coolsUntil: number | undefined;
  readonly memory: ScoreMemory;
}

/** The scaler of a policy with its strings read. */
export function scoreRules({ cooldown, onMissingMetrics, fallback, ...scaler }: EffectivePolicy['scaler']): ScoreRules {
  const direction = ({ threshold, step, signals }: EffectivePolicy['scaler']['scaleUp']): Direction => ({
    threshold,
    step,
    signals: signals.flatMap((signal) => (isMetric(signal.metric) ? [signalOf(signal, signal.metric)] : [])),
  });
  return {
    cooldownMs: milliseconds(cooldown),
    scaleUp: direction(scaler.scaleUp),
    scaleDown: direction(scaler.scaleDown),
    blockAboveErrorRatio: ratio(scaler.blockScaleDownAbove.errorRatio),
    fallback:
      onMissingMetrics === 'Hold' || fallback === undefined
        ? undefined
        : { replicas: fallback.replicas, afterMs: milliseconds(fallback.after) },
  };
}

const signalOf = (
  { name, operator, value, score: points }: EffectivePolicy['scaler']['scaleUp']['signals'][number],
  metric: Metric,
): Signal => ({ name, metric, operator, value: readValue(metric, value), score: points });

/**
 * The guide's scaler (J3): points for pressure, points for slack, one step at a time.
 *
 * @returns Replicas within the bounds, at most one step away from where they are. Missing metrics and errors never scale down, and within a cooldown there is no second change.
 */
export function score(input: ScoreInput): ScoreDecision {
  const { rules, seen, isOomKilled = false, current, memory, now } = input;
  const up = pointsOf(rules.scaleUp, seen);
  const down = pointsOf(rules.scaleDown, seen, isOomKilled);
  const isMissing = [...up.signals, ...down.signals].some(({ verdict }) => verdict === 'missing');
  const missingSince = isMissing ? (memory.missingSince ?? now) : undefined;
  const coolsUntil = (memory.lastScaledAt ?? Number.NEGATIVE_INFINITY) + rules.cooldownMs;
  const isCooling = now < coolsUntil;
  const asked = isCooling
    ? ({ to: current, reason: 'CoolingDown' } as const)
    : askedFor(input, { up, down, missingSince });
  const to = Math.min(Math.max(asked.to, input.minReplicas), input.maxReplicas);
  return {
    ...asked,
    from: current,
    to,
    clippedBy: to === asked.to ? undefined : to < asked.to ? 'MaxReplicas' : 'MinReplicas',
    up,
    down,
    coolsUntil: to === current ? (isCooling ? coolsUntil : undefined) : now + rules.cooldownMs,
    memory: { lastScaledAt: to === current ? memory.lastScaledAt : now, missingSince },
  };
}

type Asked = Pick<ScoreDecision, 'to' | 'reason'>;
type Weighed = { readonly up: Points; readonly down: Points; readonly missingSince: number | undefined };

/** Replicas before the bounds, where no cooldown runs. */
function askedFor(input: ScoreInput, { up, down, missingSince }: Weighed): Asked {
  const { rules, current, now } = input;
  if (up.points > up.threshold) return { to: current + rules.scaleUp.step, reason: 'PressureHigh' };
  if (missingSince !== undefined) return withoutMetrics(rules.fallback, current, now - missingSince);
  if (down.points <= down.threshold) return { to: current, reason: 'WithinBand' };
  const held = heldUp(input, down);
  return held === undefined
    ? { to: current - rules.scaleDown.step, reason: 'PressureLow' }
    : { to: current, reason: held };
}

/** What forbids to take away, whatever the points say. */
function heldUp(
  { rules, seen: { errorRatio }, isWarmingUp = false, isRollingOut = false }: ScoreInput,
  { signals }: Points,
): ScoreReason | undefined {
  if (isWarmingUp) return 'WarmingUp';
  if (isRollingOut) return 'RollingOut';
  if (signals.some(({ verdict }) => verdict === 'killed')) return 'MetricsMissing';
  if (errorRatio === undefined) return 'MetricsMissing';
  return errorRatio !== 'idle' && errorRatio > rules.blockAboveErrorRatio ? 'ErrorsHigh' : undefined;
}

/** Unknown is not low. */
const withoutMetrics = (fallback: ScoreRules['fallback'], current: number, missingMs: number): Asked =>
  fallback !== undefined && missingMs >= fallback.afterMs && fallback.replicas > current
    ? { to: fallback.replicas, reason: 'Fallback' }
    : { to: current, reason: 'MetricsMissing' };

function pointsOf({ threshold, signals }: Direction, seen: Seen, isOomKilled = false): Points {
  const judged = signals.map((signal) =>
    isOomKilled && tellsLowMemory(signal)
      ? ({ ...signal, saw: seen[signal.metric], verdict: 'killed' } as const)
      : judge(signal, seen[signal.metric]),
  );
  const points = judged.reduce((sum, { verdict, score: given }) => (verdict === 'holds' ? sum + given : sum), 0);
  return { points, threshold, signals: judged };
}

const tellsLowMemory = ({ metric, operator }: Signal): boolean =>
  operator === 'LessThan' && (metric === 'memory' || metric === 'memoryPercent');

function judge(signal: Signal, saw: number | 'idle' | undefined): Judged {
  if (saw === undefined) return { ...signal, saw, verdict: 'missing' };
  if (saw === 'idle') return { ...signal, saw, verdict: 'idle' };
  const holds = signal.operator === 'GreaterThan' ? saw > signal.value : saw < signal.value;
  return { ...signal, saw, verdict: holds ? 'holds' : 'no' };
}

/** `up 55 of more than 50 (latency 1.2 > 1: +30, cpu 85 > 80: +25; memory missing)` */
export function pointsText(direction: 'up' | 'down', { points, threshold, signals }: Points): string {
  const given = signals
    .filter(({ verdict }) => verdict === 'holds')
    .map(({ name, saw, operator, value, score: plus }) => {
      const figure = typeof saw === 'number' ? significant(saw) : saw;
      return `${name} ${figure} ${operator === 'GreaterThan' ? '>' : '<'} ${significant(value)}: +${plus}`;
    });
  const missing = signals.filter(({ verdict }) => verdict === 'missing').map(({ name }) => `${name} missing`);
  const killed = signals
    .filter(({ verdict }) => verdict === 'killed')
    .map(({ name }) => `${name} not told, as a Pod was killed for its memory`);
  const terms = [given.join(', '), [...missing, ...killed].join(', ')].filter((text) => text !== '');
  return `${direction} ${points} of more than ${threshold}${terms.length === 0 ? '' : ` (${terms.join('; ')})`}`;
}
