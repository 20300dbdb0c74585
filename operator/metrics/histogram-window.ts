import { thinned, together, type Histogram } from './histogram.ts';

/** The last rows of a histogram's observations, so that its quantiles can be taken over any window up to the capacity. */
export interface HistogramRing {
  append(at: number, histogram: Histogram | undefined): void;
  /** Observations later than `since`; undefined where no row of that time has any knowledge. `observedAt`: the newest row that has. */
  since(since: number): (Histogram & { readonly observedAt: number }) | undefined;
  readonly bytes: number;
}

/** A component whose versions differ in their buckets gets the union; of more than these the closest are merged. What bounds the memory of a window. */
const maxBounds = 64;

export function createHistogramRing(capacity: number): HistogramRing {
  const columns = 2; // sum and count, before the buckets
  let bounds: readonly number[] = [];
  let rows = new Float32Array(0);
  const times = new Float64Array(capacity);
  let start = 0;
  let length = 0;
  let limited: { readonly only: number; readonly at: number } | undefined; // the newest row of which one quantile is known
  const width = (): number => columns + bounds.length;
  const since = (from: number): ReturnType<HistogramRing['since']> => {
    const counts = new Float64Array(bounds.length);
    const total = { sum: 0, count: 0, observedAt: undefined as number | undefined };
    for (let index = length - 1; index >= 0; index--) {
      const row = (start + index) % capacity;
      const offset = row * width();
      if ((times[row] ?? 0) <= from) break;
      if (Number.isNaN(rows[offset] ?? NaN)) continue;
      total.observedAt ??= times[row];
      total.sum += rows[offset] ?? 0;
      total.count += rows[offset + 1] ?? 0;
      for (let bound = 0; bound < bounds.length; bound++)
        counts[bound] = (counts[bound] ?? 0) + (rows[offset + columns + bound] ?? 0);
    }
    const { sum, count, observedAt } = total;
    const only = limited !== undefined && limited.at > from ? { only: limited.only } : {};
    return observedAt === undefined ? undefined : { bounds, counts, sum, count, ...only, observedAt };
  };
  /** Makes room for bounds not seen before. Old observations stay with their bound, whose bucket looks narrower than it was, or go to the next greater one where it is merged. */
  const admit = (histogram: Histogram): void => {
    if (rows.length > 0 && histogram.bounds.every((bound) => bounds.includes(bound))) return;
    const next = thinned(together(since(-Infinity), histogram), maxBounds);
    if (rows.length > 0 && next.length === bounds.length && next.every((bound, at) => bound === bounds[at])) return;
    const moved = new Float32Array(capacity * (columns + next.length)).fill(rows.length === 0 ? NaN : 0);
    const to = [0, 1, ...bounds.map((bound) => columns + next.findIndex((kept) => kept >= bound))];
    for (let row = 0; row < capacity && rows.length > 0; row++)
      for (const [column, into] of to.entries()) {
        const at = row * (columns + next.length) + into;
        moved[at] = (moved[at] ?? 0) + (rows[row * width() + column] ?? NaN);
      }
    bounds = next;
    rows = moved;
  };
  return {
    since,
    get bytes() {
      return rows.byteLength + times.byteLength;
    },
    append(at, histogram) {
      if (histogram === undefined && rows.length === 0) return; // a histogram that nobody serves costs nothing
      if (histogram !== undefined) admit(histogram);
      if (length < capacity) length++;
      else start = (start + 1) % capacity;
      const row = (start + length - 1) % capacity;
      times[row] = at;
      const offset = row * width();
      rows.fill(histogram === undefined ? NaN : 0, offset, offset + width());
      if (histogram === undefined) return;
      if (histogram.only !== undefined) limited = { only: histogram.only, at };
      rows[offset] = histogram.sum;
      rows[offset + 1] = histogram.count;
      for (const [index, bound] of histogram.bounds.entries()) {
        const to = offset + columns + bounds.findIndex((kept) => kept >= bound);
        rows[to] = (rows[to] ?? 0) + (histogram.counts[index] ?? 0);
      }
    },
  };
}
