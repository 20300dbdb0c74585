/** Errors of a forecast, as u = ln((actual + 1) / (forecast + 1)), in bins from -2 to 4. */
const lowest = -2;
const binWidth = 0.05;
const bins = 120;
/** What is believed before anything was seen: the load gets to 1/0.7 of the forecast, which is the headroom of an autoscaler at 70 %. */
const priorWeight = 10;
const prior = Math.log(1 / 0.7);
/** Weights grow instead of what is old being decayed: before they overflow all is scaled back. */
const heaviest = 1e100;

export interface Calibration {
  readonly counts: Float64Array;
  total: number;
  /** Weight of the next error. */
  weight: number;
  /** The bin of the quantile that was asked for last, and the weight below it: it hardly moves from one window to the next. */
  bin: number;
  below: number;
}

export function createCalibration(): Calibration {
  const counts = new Float64Array(bins);
  counts[binOf(prior)] = priorWeight;
  return { counts, total: priorWeight, weight: 1, bin: 0, below: 0 };
}

const binOf = (error: number): number =>
  Math.min(bins - 1, Math.max(0, Math.floor((error - lowest) / binWidth + 1e-9)));

/** Takes in how far a forecast was off. @param growth By what the weight of errors grows from one to the next. */
export function calibrate(calibration: Calibration, error: number, growth: number): void {
  const { counts } = calibration;
  const bin = binOf(error);
  calibration.weight *= growth;
  counts[bin] = (counts[bin] ?? 0) + calibration.weight;
  calibration.total += calibration.weight;
  if (bin < calibration.bin) calibration.below += calibration.weight;
  if (calibration.weight > heaviest) scaleBack(calibration);
}

function scaleBack(calibration: Calibration): void {
  const { counts, weight } = calibration;
  for (let bin = 0; bin < bins; bin++) counts[bin] = (counts[bin] ?? 0) / weight;
  calibration.total = counts.reduce((sum, count) => sum + count, 0);
  calibration.below = counts.subarray(0, calibration.bin).reduce((sum, count) => sum + count, 0);
  calibration.weight = 1;
}

/** The error that the share `share` of forecasts did not exceed. The place of the quantile is kept, nothing that is known changes. */
export function errorQuantile(calibration: Calibration, share: number): number {
  const { counts } = calibration;
  const wanted = share * calibration.total;
  let { bin, below } = calibration;
  while (bin > 0 && below >= wanted) below -= counts[--bin] ?? 0;
  while (bin < bins - 1 && below + (counts[bin] ?? 0) < wanted) below += counts[bin++] ?? 0;
  calibration.bin = bin;
  calibration.below = below;
  const inside = counts[bin] ?? 0;
  return lowest + binWidth * (bin + (inside > 0 ? Math.min(1, Math.max(0, (wanted - below) / inside)) : 1));
}

/** Weights of the bins that have any, the newest error having 1. */
export type Errors = readonly (readonly [bin: number, weight: number])[];

export const errorsOf = ({ counts, weight }: Calibration): Errors =>
  Array.from(counts, (count, bin) => [bin, Number((count / weight).toPrecision(3))] as const).filter(
    ([, count]) => count > 0.001,
  );

/** @returns undefined where there is nothing in it. */
export function calibrationOf(errors: Errors): Calibration | undefined {
  const counts = new Float64Array(bins);
  for (const [bin, count] of errors) if (bin < bins) counts[bin] = count;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return total > 0 ? { counts, total, weight: 1, bin: 0, below: 0 } : undefined;
}
