import type { Metric } from '../../api/measure.ts';

/** Rows of a component, one at each interval of the collector, oldest first; NaN where nothing is known. */
export interface Rows {
  /** ms since the epoch. */
  readonly times: readonly number[];
  /** Pods that were Ready, and those of them that answered. */
  readonly podsReady: readonly number[];
  readonly podsAnswered: readonly number[];
  /** In the base unit of each; absent: rows have no such figure. */
  readonly measures: Readonly<Partial<Record<Metric, readonly number[]>>>;
}

export const noRows: Rows = { times: [], podsReady: [], podsAnswered: [], measures: {} };
