import { calibrate } from './calibration.ts';
import { noteDemand, skipMinutes, windowsPerMinute } from './cycle.ts';
import type { LookaheadDecision } from './decide.ts';
import { greatestOf, greatestOfMany, longMemorySeconds, peakAfter } from './forecast.ts';
import { experts, type LookaheadMemory, type LookaheadSettings, type Record, type Sample } from './memory.ts';
import { noteThroughput } from './saturation.ts';
import { noteServiceTimes } from './service-time.ts';
import { noteSlots } from './slots.ts';

/** Half-lives: of errors by which forecasts are raised, and of losses by which an expert is chosen. */
const errorSeconds = 6 * 3600;
const lossSeconds = 2 * 3600;

/**
 * Takes in the window that was just decided: what came true of the forecasts that were made a horizon ago, and what was seen and said now.
 * One of which some Pods left out a part counts for no less than the one before, teaches nothing, and nothing is lowered until a whole down window was seen again.
 */
export function learn(
  memory: LookaheadMemory,
  sample: Sample,
  decision: LookaheadDecision,
  settings: LookaheadSettings,
): void {
  const { size, window, records } = memory;
  const isWhole = sample.isPartial !== true;
  if (!isWhole) memory.soundSince = window + 1;
  const atLeast = (ring: Float64Array, value: number): number =>
    isWhole ? value : Math.max(value, ring[(window - 1) & (size - 1)] ?? 0);
  const need = atLeast(memory.needs, decision.need);
  const { periodSeconds, confidence } = settings;
  const place = window & (size - 1);
  const made = window - decision.horizonWindows;
  if (made >= memory.soundSince) {
    const actual = greatestOf(memory.needs, memory, decision.need, decision.horizonWindows);
    const growth = 2 ** (periodSeconds / errorSeconds);
    const keep = 2 ** (-periodSeconds / lossSeconds);
    for (const expert of experts) score(records[expert], made & (size - 1), { actual, growth, keep, confidence });
  }
  const longMemory = Math.max(1, Math.round(longMemorySeconds / periodSeconds));
  if (need < littleNeed) memory.loadSince = undefined;
  else if (greatestOfMany(memory, 0, longMemory) < littleNeed) memory.loadSince = window;
  memory.peakAt = peakAfter(memory, need, longMemory);
  memory.demands[place] = atLeast(memory.demands, decision.demand);
  memory.needs[place] = need;
  memory.wants[place] = atLeast(memory.wants, decision.useful);
  for (const expert of experts) records[expert].uppers[place] = NaN; // one that says nothing is not judged
  for (const { expert, forecast, upper } of decision.opinions) {
    records[expert].forecasts[place] = forecast;
    records[expert].uppers[place] = upper;
  }
  noteDemand(memory.cycle, isWhole ? decision.demand : undefined, windowsPerMinute(periodSeconds));
  if (isWhole) noteWork(memory, sample, decision, settings);
  else memory.throughputs.waiting = 0;
  memory.window++;
}

/** What the Pods can do. */
function noteWork(
  memory: LookaheadMemory,
  sample: Sample,
  { slotsPerReplica }: LookaheadDecision,
  { periodSeconds, learnsSlots }: LookaheadSettings,
): void {
  noteServiceTimes(memory, sample, periodSeconds);
  if (learnsSlots) noteSlots(memory, sample, { periodSeconds, slotsPerReplica });
  noteThroughput(memory.throughputs, sample, memory.window, { periodSeconds, slotsPerReplica });
}

/** Slots: what needs fewer is next to no load. */
export const littleNeed = 1;

interface Truth {
  readonly actual: number;
  /** By which the weight of errors grows, and what is kept of losses, from one window to the next. */
  readonly growth: number;
  readonly keep: number;
  readonly confidence: number;
}

function score(record: Record, place: number, { actual, growth, keep, confidence }: Truth): void {
  const [said, upper] = [record.forecasts[place] ?? NaN, record.uppers[place] ?? NaN];
  if (Number.isNaN(upper)) return;
  calibrate(record.calibration, Math.log((actual + 1) / (said + 1)), growth);
  const loss = actual > upper ? confidence * (actual - upper) : (1 - confidence) * (upper - actual);
  record.lossSum = record.lossSum * keep + loss;
  record.lossWeight = record.lossWeight * keep + 1;
  record.coveredSum = record.coveredSum * keep + (actual > upper ? 0 : 1);
}

/** Somebody else has set the replicas: as a want of the newest window it is held for a down window. Above it load raises them at once, as ever. */
export function noteSetByHand({ wants, size, window }: LookaheadMemory, replicas: number): void {
  if (window === 0) return; // nothing is lowered so early
  const newest = (window - 1) & (size - 1);
  wants[newest] = Math.max(wants[newest] ?? 0, replicas);
}

/** Windows without a sample: nothing is learned of those that touch them, and nothing is lowered until a whole down window was seen again. */
export function missWindows(memory: LookaheadMemory, count: number, { periodSeconds }: LookaheadSettings): void {
  memory.soundSince = memory.window;
  memory.throughputs.waiting = 0;
  skipMinutes(memory.cycle, Math.floor((count * periodSeconds) / 60));
}
