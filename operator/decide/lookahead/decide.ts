import { errorQuantile } from './calibration.ts';
import { forecast, greatestOf, meanDemand } from './forecast.ts';
import { experts, type Expert, type LookaheadMemory, type LookaheadSettings, type Sample } from './memory.ts';
import { serviceSecondsOf } from './service-time.ts';
import { slotsFor } from './staffing.ts';

/** What one expert says. */
export interface Opinion {
  readonly expert: Expert;
  readonly forecast: number;
  /** What the need stays below with the confidence that was asked for, by how this expert was off before. */
  readonly upper: number;
  /** Mean loss of its upper forecasts, in slots; undefined: it was not tried long enough. */
  readonly loss: number | undefined;
}

export type LookaheadReason = 'LoadHigh' | 'LoadLow' | 'Steady' | 'WarmingUp' | 'DownWindow';

/** Every term of the answer. Demand, forecasts and staffing in slots. */
export interface LookaheadDecision {
  readonly from: number;
  readonly to: number;
  readonly reason: LookaheadReason;
  /** Replicas that the forecast asks for, before bounds and windows. */
  readonly wanted: number;
  readonly clippedBy: 'MinReplicas' | 'MaxReplicas' | undefined;
  readonly serviceSeconds: number;
  readonly slackSeconds: number;
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
}

/** Replicas for the greatest need that is expected until a Pod that is asked for now is Ready. Reads the memory, changes nothing of it: more arrivals or more that waits never mean fewer replicas. */
export function decideLookahead(
  memory: LookaheadMemory,
  sample: Sample,
  settings: LookaheadSettings,
): LookaheadDecision {
  const { periodSeconds, objectiveSeconds, serviceCv, slotsPerReplica } = settings;
  const serviceSeconds = serviceSecondsOf(memory, settings);
  const slackSeconds = slackOf(serviceSeconds, objectiveSeconds, serviceCv);
  const demand = (sample.arrived / periodSeconds) * serviceSeconds;
  const smoothing = Math.max(1, Math.round(Math.max(10, 4 * slackSeconds) / periodSeconds));
  const need = meanDemand(memory, demand, smoothing);
  const horizonWindows = horizonOf(sample.startUpSeconds, settings);
  const opinions = opinionsOf(memory, { demand, need, horizon: horizonWindows }, settings);
  const chosen = choose(opinions);
  const staffed = slotsFor({ offered: chosen.upper, serviceSeconds, serviceCv, slackSeconds });
  const backlog = backlogOf(memory, sample, { demand, serviceSeconds, slotsPerReplica });
  const wanted = Math.ceil((staffed + backlog) / slotsPerReplica - 1e-9);
  const bounded = Math.min(Math.max(wanted, settings.minReplicas), settings.maxReplicas);
  return {
    from: sample.asked,
    wanted,
    clippedBy: bounded === wanted ? undefined : bounded < wanted ? 'MaxReplicas' : 'MinReplicas',
    serviceSeconds,
    slackSeconds,
    demand,
    need,
    horizonWindows,
    chosen,
    opinions,
    staffed,
    backlog,
    ...moved(memory, sample.asked, bounded, horizonWindows, settings),
  };
}

/** What a request may wait: the objective less the service time of a slow one, for lognormal times. */
function slackOf(serviceSeconds: number, objectiveSeconds: number, serviceCv: number): number {
  const variance = Math.log(1 + serviceCv * serviceCv);
  const p95 = serviceSeconds * Math.exp(1.645 * Math.sqrt(variance) - variance / 2);
  return Math.max(objectiveSeconds - p95, 0.05 * serviceSeconds);
}

/** Windows until what is asked for now serves, with a tenth more for starts that are slow. */
function horizonOf(startUpSeconds: number, { periodSeconds, horizonSeconds }: LookaheadSettings): number {
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
    const { calibration, lossSum, lossWeight } = memory.records[expert];
    const upper = Math.max(0, (said + 1) * Math.exp(errorQuantile(calibration, settings.confidence)) - 1);
    opinions.push({
      expert,
      forecast: said,
      upper,
      loss: lossWeight >= leastTried(expert) ? lossSum / lossWeight : undefined,
    });
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

/** Nothing is lowered before so much load is known, be it from an earlier process. */
const warmUpSeconds = 600;

/** Up at once; down to the greatest that was wanted lately, at most by half, and by a single replica only after three times as long. */
function moved(
  memory: LookaheadMemory,
  asked: number,
  want: number,
  horizon: number,
  { periodSeconds, minReplicas, maxReplicas }: LookaheadSettings,
): Pick<LookaheadDecision, 'to' | 'reason' | 'peak'> {
  const inBounds = Math.min(Math.max(asked, minReplicas), maxReplicas);
  const downWindow = Math.round(1.5 * horizon);
  const peak = greatestOf(memory.wants, memory, want, downWindow);
  if (want > inBounds) return { to: want, reason: 'LoadHigh', peak };
  const stay = (reason: LookaheadReason) => ({ to: inBounds, reason, peak });
  const seen = memory.window - memory.soundSince;
  const isWarm = seen >= downWindow && memory.window * periodSeconds >= warmUpSeconds;
  if (want < inBounds && !isWarm) return stay('WarmingUp');
  if (peak >= inBounds) return stay(want < inBounds ? 'DownWindow' : 'Steady');
  const to = Math.max(peak, Math.ceil(inBounds / 2), minReplicas);
  if (to < inBounds - 1) return { to, reason: 'LoadLow', peak };
  const longPeak = greatestOf(memory.wants, memory, want, 3 * downWindow);
  return longPeak >= inBounds
    ? { to: inBounds, reason: 'DownWindow', peak: longPeak }
    : { to, reason: 'LoadLow', peak };
}
