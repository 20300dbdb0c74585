import { measures, type MeasureName } from './contract.ts';
import { seconds } from './duration.ts';
import { quantity } from './quantity.ts';
import { ratio } from './ratio.ts';

/** A metric of the workload contract, or `signal:<name>`: one of the service's own, whose values are plain numbers. */
export type Metric = MeasureName | `signal:${string}`;

const isMeasure = (metric: string): metric is MeasureName => Object.hasOwn(measures, metric);

export const isMetric = (metric: string): metric is Metric => metric.startsWith('signal:') || isMeasure(metric);

const readers = {
  duration: seconds,
  ratio,
  bytes: quantity,
  number: quantity,
  percent: quantity,
} as const satisfies Record<(typeof measures)[MeasureName], (value: string) => number>;

/**
 * The number that `value` is, in the base unit of the metric: seconds, bytes, percent (0–100), ratio (0–1) or pieces.
 *
 * @throws {RangeError} when the value is not in the metric's unit.
 */
export const readValue = (metric: Metric, value: string): number =>
  readers[isMeasure(metric) ? measures[metric] : 'number'](value);

/** Whether `metric` is known and `value` is in its unit. One that is absent is nobody's fault here. */
export function isMeasurable(metric: unknown, value: unknown): boolean {
  if (typeof metric !== 'string' || typeof value !== 'string') return true;
  if (!isMetric(metric)) return false;
  try {
    readValue(metric, value);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
