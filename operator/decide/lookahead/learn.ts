import { calibrate } from './calibration.ts';
import { noteDemand, skipMinutes } from './cycle.ts';
import type { LookaheadDecision } from './decide.ts';
import { greatestOf } from './forecast.ts';
import type { Expert, LookaheadMemory, LookaheadSettings, Sample } from './memory.ts';
import { experts } from './memory.ts';
import { noteServiceTimes } from './service-time.ts';

/** Half-lives: of errors by which forecasts are raised, and of losses by which an expert is chosen. */
const errorSeconds = 6 * 3600;
const lossSeconds = 2 * 3600;

/** Takes in the window that was just decided: what came true of the forecasts that were made a horizon ago, and what was seen and said now. */
export function learn(
  memory: LookaheadMemory,
  sample: Sample,
  decision: LookaheadDecision,
  settings: LookaheadSettings,
): void {
  const { size, window } = memory;
  const place = window & (size - 1);
  const made = window - decision.horizonWindows;
  if (made >= memory.soundSince) {
    const actual = greatestOf(memory.needs, memory, decision.need, decision.horizonWindows);
    for (const expert of experts) score(memory, expert, made & (size - 1), actual, settings);
  }
  memory.demands[place] = decision.demand;
  memory.needs[place] = decision.need;
  memory.wants[place] = Math.min(Math.max(decision.wanted, settings.minReplicas), settings.maxReplicas);
  for (const expert of experts) {
    const opinion = decision.opinions.find((candidate) => candidate.expert === expert);
    memory.records[expert].forecasts[place] = opinion?.forecast ?? NaN;
    memory.records[expert].uppers[place] = opinion?.upper ?? NaN;
  }
  noteServiceTimes(memory, sample, settings.periodSeconds);
  noteDemand(memory.cycle, decision.demand, Math.max(1, Math.round(60 / settings.periodSeconds)));
  memory.window++;
}

function score(
  { records }: LookaheadMemory,
  expert: Expert,
  place: number,
  actual: number,
  { periodSeconds, confidence }: LookaheadSettings,
): void {
  const record = records[expert];
  const [said, upper] = [record.forecasts[place] ?? NaN, record.uppers[place] ?? NaN];
  if (Number.isNaN(said)) return;
  calibrate(record.calibration, Math.log((actual + 1) / (said + 1)), 2 ** (periodSeconds / errorSeconds));
  const keep = 2 ** (-periodSeconds / lossSeconds);
  const loss = actual > upper ? confidence * (actual - upper) : (1 - confidence) * (upper - actual);
  record.lossSum = record.lossSum * keep + loss;
  record.lossWeight = record.lossWeight * keep + 1;
  record.coveredSum = record.coveredSum * keep + (actual > upper ? 0 : 1);
}

/** Windows without a sample: nothing is learned of those that touch them, and nothing is lowered until a whole down window was seen again. */
export function missWindows(memory: LookaheadMemory, count: number, { periodSeconds }: LookaheadSettings): void {
  memory.soundSince = memory.window;
  skipMinutes(memory.cycle, Math.floor((count * periodSeconds) / 60));
}
