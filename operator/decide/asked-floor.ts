import type { AskedFloor, FloorHold, FloorReason } from './floor.ts';
import type { LookaheadDecision } from './lookahead/decide.ts';
import type { LookaheadSettings } from './lookahead/memory.ts';
import { lookaheadTerms, type LookaheadBasis } from './lookahead/terms.ts';
import { heldSinceOf, scoreTerms, type HeldSince, type ObservedAt } from './score-terms.ts';
import { saturationText } from './lookahead/saturation.ts';
import { pointsText, score, type ScoreDecision, type ScoreInput, type ScoreMemory } from './score.ts';
import { significant } from './significant.ts';

/** The floor that the scaler asks for by itself, which others may have raised further; and its cooldown. */
export interface ScoreFloorMemory extends ScoreMemory {
  readonly floor?: number | undefined;
  /** Explains a decision and moves none. */
  readonly heldSince?: HeldSince | undefined;
}

export interface ScoreFloorInput extends Omit<ScoreInput, 'current' | 'memory'> {
  /** minReplicas of the HPA now. */
  readonly inForce: number;
  readonly memory: ScoreFloorMemory;
  readonly observedAt: ObservedAt;
}

/** A decision of Score with all that it was made from: plain data, for `genops replay`. */
export interface ScoreRecord {
  readonly input: Omit<ScoreFloorInput, 'observedAt'>;
  readonly floor: number;
  readonly reason: ScoreDecision['reason'];
}

/** A step up is one from the floor in force, whoever raised it; a step down is one from what the scaler asked for itself: without memory that is the least. */
export function scoreFloor({ inForce, memory, observedAt, ...input }: ScoreFloorInput): {
  readonly asked: AskedFloor & { readonly madeFrom: { readonly score: ScoreRecord } };
  readonly memory: ScoreFloorMemory;
} {
  const { floor, lastScaledAt, missingSince } = memory;
  const own = floor ?? input.minReplicas;
  const first = score({ ...input, memory, current: own });
  const isUp = first.to > own && inForce > own;
  const decision = isUp ? score({ ...input, memory, current: inForce }) : first;
  const heldSince = heldSinceOf(decision, memory.heldSince ?? {}, input.now);
  const madeFrom: ScoreRecord = {
    input: { ...input, inForce, memory: { floor, lastScaledAt, missingSince } },
    floor: decision.to,
    reason: decision.reason,
  };
  return {
    asked: {
      ...scoreAsks(decision),
      terms: scoreTerms(decision, input.rules, { observedAt, heldSince, now: input.now }),
      madeFrom: { score: madeFrom },
    },
    memory: { ...decision.memory, floor: decision.to, heldSince },
  };
}

function scoreAsks(decision: ScoreDecision): Omit<AskedFloor, 'terms'> {
  const { to, reason, up, down, coolsUntil, clippedBy } = decision;
  const [word, hold] = scoreWords[reason];
  const isHeld = to === decision.from;
  return {
    floor: to,
    reason: word,
    message: `${pointsText('up', up)}; ${pointsText('down', down)}.`,
    figures: [],
    heldBy: clippedBy ?? (isHeld ? hold : undefined),
    heldUntil: coolsUntil,
  };
}

const scoreWords: Readonly<Record<ScoreDecision['reason'], readonly [FloorReason, FloorHold | undefined]>> = {
  PressureHigh: ['LoadHigh', undefined],
  PressureLow: ['LoadLow', undefined],
  CoolingDown: ['CoolingDown', 'Cooldown'],
  MetricsMissing: ['MetricsStale', 'MetricsStale'],
  Fallback: ['Fallback', undefined],
  ErrorsHigh: ['ErrorsHigh', 'ErrorsHigh'],
  WarmingUp: ['WarmingUp', 'WarmingUp'],
  RollingOut: ['RollingOut', 'RollingOut'],
  WithinBand: ['WithinBand', undefined],
};

const lookaheadWords: Readonly<Record<LookaheadDecision['reason'], readonly [FloorReason, FloorHold | undefined]>> = {
  LoadHigh: ['LoadHigh', undefined],
  LoadLow: ['LoadLow', undefined],
  Steady: ['WithinBand', undefined],
  FiguresMissing: ['MetricsStale', 'MetricsStale'],
  WarmingUp: ['WarmingUp', 'WarmingUp'],
  RollingOut: ['RollingOut', 'RollingOut'],
  DownWindow: ['Stabilizing', 'DownWindow'],
  Saturated: ['Saturated', 'Saturated'],
};

export function lookaheadAsks(
  decision: LookaheadDecision,
  settings: LookaheadSettings,
  basis: LookaheadBasis,
): AskedFloor {
  const { confidence, periodSeconds } = settings;
  const [reason, heldBy] = lookaheadWords[decision.reason];
  const { heldForWindows } = decision;
  return {
    floor: decision.to,
    reason,
    message: lookaheadText(decision, confidence),
    figures: [],
    terms: lookaheadTerms(decision, settings, basis),
    wanted: decision.wanted,
    heldBy: heldBy ?? decision.clippedBy,
    heldUntil: heldForWindows === undefined ? undefined : basis.observedAt + 1_000 * heldForWindows * periodSeconds,
  };
}

function lookaheadText(decision: LookaheadDecision, confidence: number): string {
  const { demand, serviceSeconds, slotsPerReplica, chosen, staffed, backlog, wanted, peak, to, saturation, reason } =
    decision;
  return (
    [
      `${significant(demand)} slots are asked for, of ${significant(serviceSeconds)} s a request`,
      `${chosen.expert} expects ${significant(chosen.forecast)}, below ${significant(chosen.upper)} in ${100 * confidence} % of cases`,
      `that takes ${staffed} slots${backlog > 0 ? ` and ${significant(backlog)} for what waits` : ''}: ${wanted} replicas of ${slotsPerReplica}`,
      ...(peak > wanted && to > wanted ? [`${peak} were wanted lately`] : []),
      ...(reason === 'FiguresMissing' ? ['some Pods leave out what others tell, so it may be more'] : []),
      ...(saturation === undefined ? [] : [saturationText(saturation)]),
    ].join('; ') + '.'
  );
}
