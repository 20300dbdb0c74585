import { durationPattern, seconds } from './duration.ts';
import { amount } from './quantity.ts';
import type { objectiveNames } from './status.ts';

const readers: Readonly<Record<(typeof objectiveNames)[number], (text: string) => number | undefined>> = {
  WorkflowDuration: time,
  ConcurrentWorkflows: amount,
  CachedResponseTime: time,
  Memory: amount,
  CacheHitRatio: amount,
  SuccessRatio: amount,
};

/**
 * The number that stands in status.objectives as `84ms`, `12.3s`, `1610Mi`, `0.982` or `20`: in seconds, bytes, a ratio from 0 to 1, or pieces.
 * `>30s` (at least that, nobody knows how much more) is 30. Undefined for what is no such figure.
 */
export const objectiveValue = (name: keyof typeof readers, text: string): number | undefined =>
  readers[name](text.replace(/^>/, ''));

/** What is measured has fractions (`12.3s`), which a duration of the API has not; what is wanted may have several units. */
function time(text: string): number | undefined {
  const [, figure, unit] = /^([0-9]+(?:\.[0-9]+)?)(ms|s)$/.exec(text) ?? [];
  if (figure !== undefined) return unit === 'ms' ? Number(figure) / 1_000 : Number(figure);
  return new RegExp(durationPattern).test(text) ? seconds(text) : undefined;
}
