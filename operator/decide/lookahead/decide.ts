import { errorQuantile } from './calibration.ts';
import { forecast, greatestOf, longMemorySeconds, meanDemand, windowsSince } from './forecast.ts';
import { experts, type Expert, type LookaheadMemory, type LookaheadSettings, type Sample } from './memory.ts';
import type { Saturation } from './saturation.ts';
import { serviceSecondsOf } from './service-time.ts';
import { slotsOf } from './slots.ts';
import { slackOf, slotsFor } from './staffing.ts';

/** What one expert says. */
export interface Opinion {
  readonly expert: Expert;
  readonly forecast: number;
  /** What the need stays below with the confidence that was asked for, by how this expert was off before. */
  readonly upper: number;
  /** Mean loss of its upper forecasts, in slots; undefined: it was not tried long enough. */
  readonly loss: number | undefined;
  /** Share of the same forecasts that the need stayed below; undefined with the loss. */
  readonly covered: number | undefined;
}

export type LookaheadReason =
  'LoadHigh' | 'LoadLow' | 'Steady' | 'FiguresMissing' | 'WarmingUp' | 'RollingOut' | 'DownWindow' | 'Saturated';

/** Every term of the answer. Demand, forecasts and staffing in slots. */
export interface LookaheadDecision {
  readonly from: number;
  readonly to: number;
  readonly reason: LookaheadReason;
  /** Replicas that the forecast asks for, before bounds and windows. */
  readonly wanted: number;
  /** Of these, what the bounds allow and what is behind the Pods has room for. */
  readonly useful: number;
  readonly clippedBy: 'MinReplicas' | 'MaxReplicas' | undefined;
  /** More Pods have brought hardly anything, so that no more are asked for than do as much. */
  readonly saturation: Saturation | undefined;
  readonly serviceSeconds: number;
  readonly slackSeconds: number;
  readonly startUpSeconds: number;
  readonly slotsPerReplica: number;
  /** Arrivals × service time, now, and averaged over what the objective leaves time for. */
  readonly demand: number;
  readonly need: number;
  readonly horizonWindows: number;
  readonly chosen: Opinion;
  readonly opinions: readonly Opinion[];
  readonly staffed: number;
  /** Slots that work off what waits already. */
  readonly backlog: number;
  /** The greatest that was wanted lately: what a way down has to pass. */
  readonly peak: number;
  /** Windows until the newest want that keeps replicas has left the down window, if the load stays; undefined: no window holds them. */
  readonly heldForWindows: number | undefined;
}

/** Replicas for the greatest need that is expected until a Pod that is asked for now is Ready. Reads the memory, changes nothing of it: more arrivals or more that waits never mean fewer replicas. */
export function decideLookahead(
  memory: LookaheadMemory,
  sample: Sample,
  settings: LookaheadSettings,
): LookaheadDecision {
  const { periodSeconds, objectiveSeconds, serviceCv } = settings;
  const slotsPerReplica = slotsOf(memory, settings);
  const serviceSeconds = serviceSecondsOf(memory, settings);
  const slackSeconds = slackOf(serviceSeconds, objectiveSeconds, serviceCv);
  const demand = (sample.arrived / periodSeconds) * serviceSeconds;
  const need = meanDemand(memory, demand, smoothingOf(slackSeconds, settings));
  const horizonWindows = horizonOf(sample.startUpSeconds, settings);
  const opinions = opinionsOf(memory, { demand, need, horizon: horizonWindows }, settings);
  const chosen = choose(opinions);
  const staffed = slotsFor({ offered: chosen.upper, serviceSeconds, serviceCv, slackSeconds });
  const backlog = backlogOf(memory, sample, { demand, serviceSeconds, slotsPerReplica });
  const wanted = Math.ceil((staffed + backlog) / slotsPerReplica - 1e-9);
  const bounded = Math.min(Math.max(wanted, settings.minReplicas), settings.maxReplicas);
  const { saturation } = memory.throughputs;
  const useful = Math.min(bounded, Math.max(saturation?.enough ?? Infinity, settings.minReplicas));
  return {
    from: sample.asked,
    wanted,
    saturation,
    clippedBy: bounded === wanted ? undefined : bounded < wanted ? 'MaxReplicas' : 'MinReplicas',
    serviceSeconds,
    slackSeconds,
    startUpSeconds: sample.startUpSeconds,
    slotsPerReplica,
    demand,
    need,
    horizonWindows,
    chosen,
    opinions,
    staffed,
    backlog,
    useful,
    ...moved(memory, sample, useful, { horizonWindows, isSaturated: useful < bounded }, settings),
  };
}

/** Windows that the need is a mean of: what the objective's slack absorbs needs no Pod. */
const smoothingOf = (slackSeconds: number, { periodSeconds }: LookaheadSettings): number =>
  Math.max(1, Math.round(Math.max(10, 4 * slackSeconds) / periodSeconds));

const downWindowOf = (horizonWindows: number): number => Math.round(1.5 * horizonWindows);

/** How many windows a decision looks back over. */
export function lookBackOf(
  memory: LookaheadMemory,
  { startUpSeconds }: Pick<Sample, 'startUpSeconds'>,
  settings: LookaheadSettings,
): number {
  const { periodSeconds, objectiveSeconds, serviceCv } = settings;
  const slackSeconds = slackOf(serviceSecondsOf(memory, settings), objectiveSeconds, serviceCv);
  const down = 3 * downWindowOf(horizonOf(startUpSeconds, settings));
  return Math.max(smoothingOf(slackSeconds, settings), down, Math.ceil(longMemorySeconds / periodSeconds));
}

/** Windows until what is asked for now serves, with a tenth more for starts that are slow. */
export function horizonOf(startUpSeconds: number, { periodSeconds, horizonSeconds }: LookaheadSettings): number {
  const decidingSeconds = 4; // to measure, to decide, to create the Pod
  const ahead = 1.1 * startUpSeconds + periodSeconds + decidingSeconds;
  return Math.ceil(Math.min(ahead, Math.max(horizonSeconds, periodSeconds)) / periodSeconds);
}

function opinionsOf(
  memory: LookaheadMemory,
  now: Parameters<typeof forecast>[2],
  settings: LookaheadSettings,
): readonly Opinion[] {
  const opinions: Opinion[] = [];
  for (const expert of experts) {
    const said = forecast(expert, memory, now, settings);
    if (said === undefined) continue;
    const { calibration, lossSum, lossWeight, coveredSum } = memory.records[expert];
    const upper = Math.max(0, (said + 1) * Math.exp(errorQuantile(calibration, settings.confidence)) - 1);
    const isTried = lossWeight >= leastTried(expert);
    const tried = {
      loss: isTried ? lossSum / lossWeight : undefined,
      covered: isTried ? coveredSum / lossWeight : undefined,
    };
    opinions.push({ expert, forecast: said, upper, ...tried });
  }
  return opinions;
}

/** A period that was just found may be chance: it has to be right for a while first. */
const leastTried = (expert: Expert): number => (expert === 'cycle' ? 40 : 1);

const choose = (opinions: readonly Opinion[]): Opinion => {
  let [best] = opinions as readonly [Opinion];
  for (const opinion of opinions) if ((opinion.loss ?? Infinity) < (best.loss ?? Infinity)) best = opinion;
  return best;
};

/** Time in which what waits is to be worked off. */
const workOffSeconds = 20;

function backlogOf(
  memory: LookaheadMemory,
  { waiting, ready, startUpSeconds }: Sample,
  work: { readonly demand: number; readonly serviceSeconds: number; readonly slotsPerReplica: number },
): number {
  if (waiting <= 0) return 0;
  const { demand, serviceSeconds, slotsPerReplica } = work;
  const surplus = Math.max(0, meanDemand(memory, demand, 2) - ready * slotsPerReplica); // grows until new Pods serve
  const expected = waiting + (surplus / serviceSeconds) * startUpSeconds;
  return (expected * serviceSeconds) / workOffSeconds;
}

/** Nothing is lowered before so much load is known, be it from an earlier process; nor of load that follows on long silence, of which as little is known. */
const warmUpSeconds = 600;

/** Up at once; down to the greatest that was wanted lately, at most by half, and by a single replica only after three times as long. */
function moved(
  memory: LookaheadMemory,
  { asked, isPartial, isRollingOut = false }: Pick<Sample, 'asked' | 'isPartial' | 'isRollingOut'>,
  want: number,
  { horizonWindows, isSaturated }: { readonly horizonWindows: number; readonly isSaturated: boolean },
  { periodSeconds, minReplicas, maxReplicas }: LookaheadSettings,
): Pick<LookaheadDecision, 'to' | 'reason' | 'peak' | 'heldForWindows'> {
  const inBounds = Math.min(Math.max(asked, minReplicas), maxReplicas);
  const downWindow = downWindowOf(horizonWindows);
  const peak = greatestOf(memory.wants, memory, want, downWindow);
  const heldForWindows = undefined;
  const stay = (reason: LookaheadReason) => ({ to: inBounds, reason, peak, heldForWindows });
  if (want > inBounds) return { to: want, reason: 'LoadHigh', peak, heldForWindows };
  const wait = (count: number, passes: number) => ({
    ...stay('DownWindow'),
    peak: passes,
    heldForWindows: count - windowsSince(memory.wants, memory, inBounds, count),
  });
  const seen = memory.window - memory.soundSince;
  const known = memory.window - (memory.loadSince ?? 0);
  const isWarm = seen >= downWindow && known * periodSeconds >= warmUpSeconds;
  if (want < inBounds && isPartial === true) return stay('FiguresMissing');
  if (want < inBounds && !isWarm) return stay('WarmingUp');
  if (want < inBounds && isRollingOut) return stay('RollingOut');
  if (want === inBounds) return stay(isSaturated ? 'Saturated' : 'Steady');
  if (peak >= inBounds) return wait(downWindow, peak);
  const to = Math.max(peak, Math.ceil(inBounds / 2), minReplicas);
  const lower = { to, reason: 'LoadLow', peak, heldForWindows } as const;
  if (to < inBounds - 1) return lower;
  const longPeak = greatestOf(memory.wants, memory, want, 3 * downWindow);
  return longPeak >= inBounds ? wait(3 * downWindow, longPeak) : lower;
}
