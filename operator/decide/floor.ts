import {
  type Behavior,
  type BehaviorLimit,
  type BehaviorMemory,
  freshMemory,
  limit,
  limitEndsAt,
} from './scaling-behavior.ts';
import { type PodsMetricAnswer, type PodSample, replicasForPodsMetric, type Tolerance } from './pods-metric.ts';
import { significant } from './significant.ts';
import type { Term } from './term.ts';

/** A Pods metric that the HPA does not read itself (nobody serves it), so it is folded into the floor. */
export interface ShadowMetric {
  readonly name: string;
  /** AverageValue per Pod. */
  readonly target: number;
  readonly pods: readonly PodSample[];
  /** Where it is read. */
  readonly source?: string | undefined;
}

export interface FloorInput {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** The floor in force: minReplicas of the HPA; undefined before it exists. */
  readonly floor: number | undefined;
  /** spec.replicas of the target. */
  readonly current: number;
  readonly shadow: readonly ShadowMetric[];
  /** Of the policy's scaler, which keeps its own windows; undefined: it does not act. */
  readonly asked?: AskedFloor | undefined;
  /** Figures are of a roll-out: more Pods than usual, some of them cold. Nothing is lowered by them. */
  readonly isRollingOut?: boolean | undefined;
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
  | 'WithinBand'
  | 'CoolingDown'
  | 'ErrorsHigh'
  | 'Fallback'
  | 'WarmingUp'
  | 'RollingOut'
  | 'Saturated';

/** What keeps a floor from what is asked for, or keeps it still. */
export const floorHolds = [
  'ScaleUpStabilization',
  'ScaleDownStabilization',
  'ScaleUpRate',
  'ScaleDownRate',
  'MinReplicas',
  'MaxReplicas',
  'MetricsStale',
  'Cooldown',
  'ErrorsHigh',
  'WarmingUp',
  'RollingOut',
  'DownWindow',
  'Saturated',
  'DryRun',
  'Paused',
  'Off',
  'Conflict',
  'PermissionDenied',
  'Failed',
] as const;
export type FloorHold = (typeof floorHolds)[number];

/** Why a floor was not moved: what the API server did not take, or an HPA that stands though the mode is Off. */
export type FloorRefusal = 'Off' | 'Conflict' | 'PermissionDenied' | 'Failed';

/** A metric as a floor was decided by it. */
export interface FloorFigure {
  readonly metric: string;
  readonly source: string | undefined;
  /** Mean of the Pods that have a value; undefined: none has. */
  readonly perPod: number | undefined;
  readonly target: number;
  /** Replicas, before any limit; undefined: unknown Pods keep it from saying. */
  readonly asksFor: number | undefined;
  readonly podsMeasured: number;
  readonly podsMissing: number;
  /** ms since the epoch; of the oldest value. */
  readonly observedAt: number | undefined;
}

/** All that an algorithm was asked with, and its answer, as plain data: the same comes of it once more. */
export type MadeFrom = Readonly<Partial<Record<'score' | 'lookahead', object>>>;

/** What the scaler of a policy asks the floor to be, beside what the policy and shadowed metrics ask for. */
export interface AskedFloor {
  readonly floor: number;
  readonly reason: FloorReason;
  readonly message: string;
  readonly figures: readonly FloorFigure[];
  readonly terms: readonly Term[];
  /** Replicas before any limit; undefined: it goes by steps. */
  readonly wanted?: number | undefined;
  readonly madeFrom?: MadeFrom | undefined;
  readonly heldBy: FloorHold | undefined;
  /** ms since the epoch; of what moves, the end of the cooldown that begins with it. Undefined: time alone does not end it. */
  readonly heldUntil: number | undefined;
}

/** The floor to set and why; also when it stays as it is. */
export interface FloorDecision {
  readonly action: 'ScaleUp' | 'ScaleDown' | 'Hold';
  readonly from: number;
  readonly to: number;
  readonly reason: FloorReason;
  /** One sentence with the figures behind the answer: what is asked for, whatever becomes of it. */
  readonly message: string;
  /** What it was made from: empty where the HPA reads every metric itself. */
  readonly figures: readonly FloorFigure[];
  /** Of the policy's scaler, whether or not it decided; empty where none acts. */
  readonly terms: readonly Term[];
  /** Replicas that the policy's scaler would have, before any limit; undefined: it goes by steps, or none acts. */
  readonly wanted?: number | undefined;
  readonly madeFrom?: MadeFrom | undefined;
  /** Undefined: nothing stands between it and what is asked for. */
  readonly heldBy: FloorHold | undefined;
  /** ms since the epoch: when that ends if the load stays, or the cooldown that a move of the scaler begins; undefined where time alone does not end it. */
  readonly heldUntil: number | undefined;
  readonly memory: BehaviorMemory | undefined;
}

/**
 * The floor under the autoscaler: the greatest of the policy's minReplicas, what each shadowed metric asks for, held to the policy's behavior, and what its scaler asks for; within the bounds.
 * A metric without a single value holds the floor where it is, and for a whole window after that nothing is lowered: unknown is not low.
 */
export function decideFloor(input: FloorInput): FloorDecision {
  const { asked, minReplicas, shadow } = input;
  const shadowed = shadow.length === 0 ? undefined : byShadow(input);
  if (asked !== undefined) {
    const to = clamp(asked.floor, input);
    const { reason, message, figures, heldBy, heldUntil } = asked;
    const own = { to, reason, message, heldBy, heldUntil, memory: shadowed?.memory ?? input.memory };
    if (shadowed === undefined || tells(own, shadowed)) return decided(input, figures, own);
  }
  const message = `The policy's minReplicas is ${minReplicas}.`;
  return shadowed ?? decided(input, [], { to: minReplicas, reason: 'MinReplicas', message });
}

/** Whether the scaler's answer is what is told. Of two that come to the same, it is where the metrics would have no more than that: the end of their window changes nothing then, and the end of what holds the scaler does. */
function tells(own: Pick<Move, 'to' | 'heldBy'>, metrics: Pick<Move, 'to' | 'heldBy'>): boolean {
  if (own.to !== metrics.to) return own.to > metrics.to;
  if (metrics.heldBy === 'ScaleDownStabilization' || metrics.heldBy === 'ScaleDownRate') return true;
  return own.heldBy !== undefined && (metrics.heldBy === undefined || metrics.heldBy === 'MinReplicas');
}

/** A decision that is told and not carried out. */
export const heldBack = (decision: FloorDecision, by: FloorHold): FloorDecision =>
  decision.action === 'Hold' ? decision : { ...decision, heldBy: by, heldUntil: undefined };

function byShadow(input: FloorInput): FloorDecision {
  const { shadow, tolerance, floor = input.minReplicas } = input;
  const current = Math.max(input.current, floor); // a floor just raised counts as reached: the HPA jumps there at its next sync
  const answers = shadow.map((metric) => ({
    metric,
    answer: ofFloor(replicasForPodsMetric({ current, ...metric, tolerance }), floor),
  }));
  const unknown = answers.filter(({ answer }) => answer === undefined).map(({ metric }) => metric.name);
  const known = answers.flatMap(({ metric, answer }) => (answer === undefined ? [] : [{ metric, answer }]));
  const moved = unknown.length > 0 ? withoutFigures(input, current, unknown) : byLoad(input, current, known);
  return decided(input, answers.map(figureOf), input.isRollingOut === true ? duringRollOut(input, moved) : moved);
}

function duringRollOut(input: FloorInput, move: Move): Move {
  const stays = clamp(input.floor ?? input.minReplicas, input);
  if (move.to >= stays) return move;
  const message = `${move.message} The target is being rolled out: the floor is not lowered.`;
  return { ...move, to: stays, reason: 'RollingOut', message, heldBy: 'RollingOut', heldUntil: undefined };
}

interface FloorAnswer extends PodsMetricAnswer {
  /** Pods without a value keep the floor where it is. */
  readonly isHeld: boolean;
}

/** Where the HPA lets its replicas be (Pods that are unknown or starting, the tolerance) they may be there for another metric: no reason for a floor beyond what the measured load needs, and none for a lower one. */
function ofFloor(answer: PodsMetricAnswer | undefined, floor: number): FloorAnswer | undefined {
  if (answer === undefined) return undefined;
  const { needed, missing } = answer;
  const replicas = Math.min(answer.replicas, Math.max(needed, floor));
  return { ...answer, replicas, isHeld: missing > 0 && answer.replicas > needed && replicas === floor };
}

interface Answered {
  readonly metric: ShadowMetric;
  readonly answer: FloorAnswer;
}
type Move = Pick<FloorDecision, 'to' | 'reason' | 'message'> &
  Partial<Pick<FloorDecision, 'heldBy' | 'heldUntil' | 'memory'>>;

function decided(input: FloorInput, figures: readonly FloorFigure[], move: Move): FloorDecision {
  const from = input.floor ?? input.minReplicas;
  const action = move.to > from ? 'ScaleUp' : move.to < from ? 'ScaleDown' : 'Hold';
  const { terms = [], wanted, madeFrom } = input.asked ?? {};
  return {
    action,
    from,
    figures,
    terms,
    wanted,
    madeFrom,
    heldBy: undefined,
    heldUntil: undefined,
    memory: input.memory,
    ...move,
  };
}

const clamp = (replicas: number, { minReplicas, maxReplicas }: FloorInput): number =>
  Math.min(Math.max(replicas, minReplicas), maxReplicas);

function withoutFigures(input: FloorInput, current: number, unknown: readonly string[]): Move {
  const { now, minReplicas, floor: from = minReplicas } = input;
  const to = clamp(from, input);
  const blind = `No Pod has a fresh ${unknown.join(', ')}`;
  return {
    to,
    reason: 'MetricsStale',
    message:
      to === from
        ? `${blind}: the floor stays (unknown is not low).`
        : `${blind}: only ${to > from ? 'minReplicas' : 'maxReplicas'} ${to} asks for another floor.`,
    heldBy: 'MetricsStale',
    memory: { ...(input.memory ?? freshMemory(current, now)), unknownAt: now },
  };
}

function byLoad(input: FloorInput, current: number, known: readonly Answered[]): Move {
  const { minReplicas, behavior, now, floor: from = minReplicas } = input;
  const leading = known.reduce((best, next) => (next.answer.replicas > best.answer.replicas ? next : best));
  const desired = leading.answer.replicas;
  const limiting = { desired, current, behavior, memory: input.memory ?? freshMemory(current, now), now };
  const limited = limit(limiting);
  // On the way down the floor follows the load, never the replicas that another metric holds up.
  const to = clamp(desired < current ? Math.min(limited.replicas, Math.max(from, desired)) : limited.replicas, input);
  if (leading.answer.isHeld && to === from) return heldByUnknown(leading, to, limited.memory);
  const bound = boundOf(to, desired, input);
  const limitedBy = to === desired ? undefined : limited.limitedBy; // held are the replicas then, not the floor
  return {
    to,
    reason: bound ?? reasonOf({ from, to, limited: limitedBy, minReplicas }),
    message: sentence(leading, bound === undefined ? limitedBy : `${bound} ${to}`),
    heldBy: bound ?? limitedBy,
    heldUntil: bound === undefined && limitedBy !== undefined ? limitEndsAt(limiting, limited) : undefined,
    memory: limited.memory,
  };
}

function heldByUnknown({ metric, answer }: Answered, to: number, memory: BehaviorMemory): Move {
  const { average, measured, missing } = answer;
  const message = `${metric.name} is ${significant(average)} a Pod over ${measured} Pods; ${missing} of ${measured + missing} Pods are unknown: the floor stays (unknown is neither low nor high).`;
  return { to, reason: 'MetricsStale', message, heldBy: 'MetricsStale', memory };
}

function boundOf(to: number, desired: number, { minReplicas, maxReplicas }: FloorInput) {
  if (to === maxReplicas && desired > maxReplicas) return 'MaxReplicas';
  if (to === minReplicas && desired < minReplicas) return 'MinReplicas';
  return undefined;
}

function figureOf({ metric, answer }: { metric: ShadowMetric; answer: FloorAnswer | undefined }): FloorFigure {
  const { name, source, target, pods } = metric;
  const running = pods.filter(({ state }) => state === 'running');
  const times = running.flatMap(({ value, observedAt }) => (value === undefined ? [] : (observedAt ?? [])));
  return {
    metric: name,
    source,
    perPod: answer?.average,
    target,
    asksFor: answer?.isHeld === true ? undefined : answer?.replicas,
    podsMeasured: answer?.measured ?? 0,
    podsMissing: answer?.missing ?? running.length,
    observedAt: times.length === 0 ? undefined : Math.min(...times),
  };
}

function reasonOf(at: {
  from: number;
  to: number;
  limited: BehaviorLimit | undefined;
  minReplicas: number;
}): FloorReason {
  if (at.to > at.from) return 'LoadHigh';
  if (at.to < at.from) return 'LoadLow';
  if (at.limited?.endsWith('Stabilization') === true) return 'Stabilizing';
  if (at.limited !== undefined) return 'RateLimited';
  return at.to === at.minReplicas ? 'MinReplicas' : 'WithinBand';
}

function sentence({ metric, answer }: Answered, heldBy: string | undefined): string {
  const seen = `${metric.name} is ${significant(answer.average)} a Pod over ${answer.measured} Pods${answer.missing > 0 ? ` (${answer.missing} unknown)` : ''}`;
  const held = heldBy === undefined ? '' : `, held by ${heldBy}`;
  return `${seen}; at ${significant(metric.target)} a Pod that asks for ${answer.replicas}${held}.`;
}
