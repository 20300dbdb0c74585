import {
  componentColumns,
  latencyColumns,
  loadFigures,
  staleAfterMs,
  type ComponentColumn,
  type ComponentWindow,
  type LatencyColumn,
  type LoadFigure,
} from './component-window.ts';
import type { PodView } from './pod-view.ts';
import type { Histogram } from './histogram.ts';
import { histogramNames, type HistogramName } from './signals.ts';
import type { RingSlice } from './windows.ts';

/** A figure and when its newest part was measured, in ms since the epoch. */
export interface Timed {
  readonly value: number;
  readonly observedAt: number;
}

/** What is known of a component over a window. Absent is unknown: never measured, or its newest value is stale. */
export interface ComponentFigures {
  /** ms of the window in which Pods answered: less than the window after a start or with gaps. */
  readonly coveredMs: number;
  /** Ready Pods, and those of them that answered, when the last row was closed. */
  readonly podsReady: number;
  readonly podsAnswered: number;
  /** Sums that are lower bounds: not lately has every Ready Pod told its part. */
  readonly partial: readonly LoadFigure[];
  /** Means over the window, of a rate of all Pods over the rows that have one of each: 1/s of all Pods, 1/s of one Pod, cores, percent of limits (or requests). */
  readonly requestRate?: Timed;
  readonly requestRatePerPod?: Timed;
  readonly cpuCores?: Timed;
  readonly cpuPercent?: Timed;
  readonly memoryPercent?: Timed;
  /** Shares of what was counted in the window; unknown where nothing was. */
  readonly errorRatio?: Timed;
  readonly cacheHitRatio?: Timed;
  /** What the two are shares of, 1/s: 0 where both counters are there and counted nothing. */
  readonly answerRate?: Timed;
  readonly lookupRate?: Timed;
  /** The highest that a Pod had in the window, bytes. */
  readonly memoryBytes?: Timed;
  /** Newest values of all Pods, and the highest of the window. */
  readonly inFlight?: Timed;
  readonly inFlightMax?: Timed;
  readonly queue?: Timed;
  readonly activeConnections?: Timed;
  /** ms since the epoch; when a container of a Pod that is still there was last killed for its memory. */
  readonly oomKilledAt?: number;
  /** Observations of the window, in seconds. */
  readonly histograms: Readonly<Partial<Record<HistogramName, Histogram & { readonly observedAt: number }>>>;
}

type AskedColumn = Exclude<ComponentColumn, LatencyColumn>;
const latencies: ReadonlySet<string> = new Set(latencyColumns);
const asked = componentColumns.filter((column): column is AskedColumn => !latencies.has(column)); // those of the window are from its histograms
type Slice = RingSlice<AskedColumn>;
type Column = keyof Slice['figures'];

/** @param views The Pods that there are now. @param now ms since the epoch. */
export function figuresOver(
  { rows, begunAfter, histograms, options }: ComponentWindow,
  views: readonly PodView[],
  windowMs: number,
  now: number,
): ComponentFigures {
  const slice = rows.since(Math.max(now - windowMs, begunAfter), asked);
  const kills = views.flatMap(({ oomKilledAt }) => oomKilledAt ?? []);
  const freshSince = now - staleAfterMs(options);
  const answered = slice.figures.podsAnswered;
  const { answerRate, podsCounted } = slice.figures;
  const requestsPerPod = answerRate.map((rate, row) => rate / (podsCounted[row] ?? NaN));
  const known: { readonly [figure: string]: Timed | undefined } = {
    requestRate: fold(slice, 'requestRate', mean),
    requestRatePerPod: foldOf(slice.times, requestsPerPod, mean),
    cpuCores: fold(slice, 'cpuCores', mean),
    cpuPercent: fold(slice, 'cpuPercent', mean),
    memoryPercent: fold(slice, 'memoryPercent', mean),
    memoryBytes: fold(slice, 'memoryBytes', highest),
    inFlight: fold(slice, 'inFlight', newest),
    inFlightMax: fold(slice, 'inFlight', highest),
    queue: fold(slice, 'queue', newest),
    activeConnections: fold(slice, 'activeConnections', newest),
    errorRatio: ratio(slice, 'errorRate', ['answerRate']),
    cacheHitRatio: ratio(slice, 'cacheHitRate', ['cacheHitRate', 'cacheMissRate']),
    answerRate: foldOf(slice.times, wholeOf(slice, 'errorRate', ['answerRate']), mean),
    lookupRate: foldOf(slice.times, wholeOf(slice, 'cacheHitRate', ['cacheHitRate', 'cacheMissRate']), mean),
  };
  const isFresh = (observedAt: number): boolean => observedAt >= freshSince;
  return {
    coveredMs: answered.filter((pods) => pods > 0).length * options.intervalMs,
    podsReady: slice.figures.podsReady.at(-1) ?? 0,
    podsAnswered: answered.at(-1) ?? 0,
    partial: loadFigures.filter((figure) => !isFresh(wholeAt(slice, figure))),
    ...(Object.fromEntries(
      Object.entries(known).filter(([, figure]) => figure !== undefined && isFresh(figure.observedAt)),
    ) as Partial<ComponentFigures>),
    ...(kills.length === 0 ? {} : { oomKilledAt: Math.max(...kills) }),
    histograms: Object.fromEntries(
      histogramNames.flatMap((name) => {
        const histogram = histograms[name].since(now - windowMs);
        return histogram === undefined || !isFresh(histogram.observedAt) ? [] : [[name, histogram]];
      }),
    ),
  };
}

/** Whether the sum over these components is less than there is: of one that tells of it Pods leave out their part, or none of one answers. */
export const isLowerBound = (all: readonly ComponentFigures[], figure: LoadFigure): boolean =>
  all.some((one) => one.partial.includes(figure) && (one[figure] !== undefined || one.podsAnswered === 0));

/** When the last row was closed in which no Ready Pod left out its part. */
function wholeAt({ times, figures }: Slice, figure: LoadFigure): number {
  const { podsReady, podsAnswered, [`${figure}Partial` as const]: partial } = figures;
  const row = podsReady.findLastIndex((ready, at) => podsAnswered[at] === ready && partial[at] === 0);
  return times[row] ?? -Infinity;
}

type Fold = (values: readonly number[]) => number;
const sum: Fold = (values) => values.reduce((all, value) => all + value, 0);
const mean: Fold = (values) => sum(values) / values.length;
const highest: Fold = (values) => Math.max(...values);
const newest: Fold = (values) => values.at(-1) ?? NaN;

const fold = ({ times, figures }: Slice, column: Column, by: Fold): Timed | undefined =>
  foldOf(times, figures[column], by);

function foldOf(times: Float64Array, figures: Float32Array, by: Fold): Timed | undefined {
  const rows = [...figures.keys()].filter((row) => !Number.isNaN(figures[row] ?? NaN));
  const last = rows.at(-1);
  return last === undefined
    ? undefined
    : { value: by(rows.map((row) => figures[row] ?? NaN)), observedAt: times[last] ?? 0 };
}

/** The sum of `whole`, by row; NaN where that or `part` is unknown. */
const wholeOf = ({ figures }: Slice, part: Column, whole: readonly Column[]): Float32Array =>
  figures[part].map((share, row) =>
    Number.isNaN(share) ? NaN : whole.reduce((all, column) => all + (figures[column][row] ?? NaN), 0),
  );

/** The share that `part` has of the sum of `whole`, over the rows in which all are known. */
function ratio(slice: Slice, part: Column, whole: readonly Column[]): Timed | undefined {
  const { times, figures } = slice;
  const total = wholeOf(slice, part, whole);
  const both = figures[part].map((share, row) => (Number.isNaN(total[row] ?? NaN) ? NaN : share));
  const [shares, sums] = [foldOf(times, both, sum), foldOf(times, total, sum)];
  return shares === undefined || sums === undefined || sums.value === 0
    ? undefined
    : { ...shares, value: shares.value / sums.value };
}
