import type { Histogram } from './histogram.ts';

/** The last rows of a histogram's observations, so that its quantiles can be taken over any window up to the capacity. */
export interface HistogramRing {
  append(at: number, histogram: Histogram | undefined): void;
  /** Observations later than `since`; undefined where no row of that time has any knowledge. `observedAt`: the newest row that has. */
  since(since: number): (Histogram & { readonly observedAt: number }) | undefined;
  readonly bytes: number;
}

/** A component whose versions differ in their buckets gets the union; beyond this many bounds, new ones count towards the next greater. */
const maxBounds = 64;

export function createHistogramRing(capacity: number): HistogramRing {
  const columns = 2; // sum and count, before the buckets
  let bounds: number[] = [];
  let rows = new Float32Array(0);
  const times = new Float64Array(capacity);
  let start = 0;
  let length = 0;
  const width = (): number => columns + bounds.length;
  /** Makes room for bounds not seen before. Old observations stay with their bound: their bucket looks narrower than it was, never wider. */
  const admit = (seen: readonly number[]): void => {
    const fresh = seen.filter((bound) => !bounds.includes(bound)).slice(0, maxBounds - bounds.length);
    if (fresh.length === 0 && rows.length > 0) return;
    const next = [...bounds, ...fresh].toSorted((a, b) => a - b);
    const moved = new Float32Array(capacity * (columns + next.length)).fill(NaN);
    for (let row = 0; row < capacity && rows.length > 0; row++) {
      const [from, to] = [row * width(), row * (columns + next.length)];
      for (let column = 0; column < columns; column++) moved[to + column] = rows[from + column] ?? NaN;
      for (const [index, bound] of next.entries()) {
        const old = bounds.indexOf(bound);
        moved[to + columns + index] = old === -1 ? 0 : (rows[from + columns + old] ?? 0);
      }
    }
    bounds = next;
    rows = moved;
  };
  return {
    get bytes() {
      return rows.byteLength + times.byteLength;
    },
    append(at, histogram) {
      if (histogram === undefined && rows.length === 0) return; // a histogram that nobody serves costs nothing
      admit(histogram?.bounds ?? []);
      if (length < capacity) length++;
      else start = (start + 1) % capacity;
      const row = (start + length - 1) % capacity;
      times[row] = at;
      const offset = row * width();
      rows.fill(histogram === undefined ? NaN : 0, offset, offset + width());
      if (histogram === undefined) return;
      rows[offset] = histogram.sum;
      rows[offset + 1] = histogram.count;
      for (const [index, bound] of histogram.bounds.entries()) {
        const to = bounds.findIndex((known) => known >= bound);
        if (to !== -1)
          rows[offset + columns + to] = (rows[offset + columns + to] ?? 0) + (histogram.counts[index] ?? 0);
      }
    },
    since(since) {
      const counts = new Float64Array(bounds.length);
      const total = { sum: 0, count: 0, observedAt: undefined as number | undefined };
      for (let index = length - 1; index >= 0; index--) {
        const row = (start + index) % capacity;
        const offset = row * width();
        if ((times[row] ?? 0) <= since) break;
        if (Number.isNaN(rows[offset] ?? NaN)) continue;
        total.observedAt ??= times[row];
        total.sum += rows[offset] ?? 0;
        total.count += rows[offset + 1] ?? 0;
        for (let bound = 0; bound < bounds.length; bound++)
          counts[bound] = (counts[bound] ?? 0) + (rows[offset + columns + bound] ?? 0);
      }
      const { sum, count, observedAt } = total;
      return observedAt === undefined ? undefined : { bounds, counts, sum, count, observedAt };
    },
  };
}
