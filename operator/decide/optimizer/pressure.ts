import type { OptimizerRule } from './rules.ts';
import type { Rows } from './rows.ts';

/** What a rule makes of the newest rows. */
export interface Pressure {
  /** Median of the newest three rows; undefined: one of them is not known, or too old. */
  readonly saw: number | undefined;
  readonly isOver: boolean;
}

const rowsOfLook = 3;
/** Older than so many intervals, a row says nothing of now. */
const staleAfter = 2.5;

interface Moment {
  /** Between two rows. */
  readonly intervalMs: number;
  /** ms since the epoch. */
  readonly now: number;
}

/** Whether the newest row says something of now. */
export function isFresh({ times, podsAnswered }: Rows, { intervalMs, now }: Moment): boolean {
  const newest = times.at(-1);
  return newest !== undefined && now - newest <= staleAfter * intervalMs && (podsAnswered.at(-1) ?? 0) > 0;
}

/** Whether a rule's comparison holds: for the median of three rows, so that one odd row starts nothing, and for all such medians of the time that the rule asks for. Unknown is not over. */
export function pressureOf(
  { metric, operator, value, forMs }: Pick<OptimizerRule, 'metric' | 'operator' | 'value' | 'forMs'>,
  rows: Rows,
  moment: Moment,
): Pressure {
  const figures = rows.measures[metric] ?? [];
  const saw = isFresh(rows, moment) ? medianBefore(figures, figures.length) : undefined;
  if (saw === undefined) return { saw, isOver: false };
  const isBeyond = (median: number | undefined): boolean =>
    median !== undefined && (operator === 'GreaterThan' ? median > value : median < value);
  const looks = 1 + Math.ceil(forMs / moment.intervalMs);
  const isOver = Array.from({ length: looks }, (_, back) => medianBefore(figures, figures.length - back)).every(
    isBeyond,
  );
  return { saw, isOver };
}

/** Of the three rows that end before `end`. */
function medianBefore(figures: readonly number[], end: number): number | undefined {
  if (end < rowsOfLook) return undefined;
  const rows = figures.slice(end - rowsOfLook, end);
  return rows.some(Number.isNaN) ? undefined : rows.toSorted((a, b) => a - b)[1];
}
