/** How many observations fell into each bucket. */
export interface Histogram {
  /** Upper bounds, ascending; the last is usually Infinity. */
  readonly bounds: readonly number[];
  /** By bound: observations above the bound before it, not cumulative. */
  readonly counts: Float64Array;
  readonly sum: number;
  /** All observations; also where the source has no buckets (a summary). */
  readonly count: number;
}

/** `atLeast`: the quantile lies above the last finite bound, so only this much is known. */
export interface Quantile {
  readonly value: number;
  readonly atLeast?: true;
}

/**
 * The value below which the share `q` of the observations lies, by linear interpolation within its bucket, as Prometheus' histogram_quantile.
 *
 * @returns undefined where nothing was observed, or no bucket has a finite bound.
 */
export function quantile({ bounds, counts }: Histogram, q: number): Quantile | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let below = 0;
  for (const [index, bound] of bounds.entries()) {
    const count = counts[index] ?? 0;
    if (count === 0 || below + count < q * total) {
      below += count;
      continue;
    }
    const lower = bounds[index - 1] ?? Math.min(bound, 0);
    if (bound === Infinity) return lower <= 0 ? undefined : { value: lower, atLeast: true };
    return { value: lower + (bound - lower) * Math.max(0, (q * total - below) / count) };
  }
  return undefined;
}

/** Mean of the observations. @returns undefined where there are none. */
export const mean = ({ sum, count }: Pick<Histogram, 'sum' | 'count'>): number | undefined =>
  count > 0 ? sum / count : undefined;

/** Both together: buckets of either are kept. */
export function together(a: Histogram | undefined, b: Histogram): Histogram {
  if (a === undefined) return b;
  const isSame = a.bounds.length === b.bounds.length && a.bounds.every((bound, index) => bound === b.bounds[index]);
  const bounds = isSame ? a.bounds : [...new Set([...a.bounds, ...b.bounds])].toSorted((x, y) => x - y);
  const counts = isSame
    ? a.counts.map((count, index) => count + (b.counts[index] ?? 0))
    : Float64Array.from(bounds, (bound) => countOf(a, bound) + countOf(b, bound));
  return { bounds, counts, sum: a.sum + b.sum, count: a.count + b.count };
}

const countOf = ({ bounds, counts }: Histogram, bound: number): number => counts[bounds.indexOf(bound)] ?? 0;

/**
 * The bounds of `histogram`, without those that tell the least, down to `most` of them (2 or more).
 * The greatest stays, and below +Inf the greatest finite one: no observation is without a bucket, and none gets beyond what can be told.
 */
export function thinned({ bounds, counts }: Histogram, most: number): readonly number[] {
  const kept = bounds.map((bound, index) => ({ bound, count: counts[index] ?? 0 }));
  while (kept.length > most) {
    const mergeable = kept.slice(0, kept.at(-1)?.bound === Infinity ? -2 : -1);
    const told = mergeable.map((_, index) => toldBy(kept, index));
    const least = told.indexOf(Math.min(...told));
    const [gone, next] = kept.splice(least, 2);
    if (gone !== undefined && next !== undefined)
      kept.splice(least, 0, { bound: next.bound, count: gone.count + next.count });
  }
  return kept.map(({ bound }) => bound);
}

/** What is lost where a bucket is merged with the next: nothing where both are empty, else the width of the two by their upper bound. */
function toldBy(buckets: readonly { readonly bound: number; readonly count: number }[], index: number): number {
  const [below, own, next] = [buckets[index - 1], buckets[index], buckets[index + 1]];
  if (own === undefined || next === undefined || own.count + next.count === 0) return 0;
  return 1 - (below?.bound ?? Math.min(own.bound, 0)) / next.bound;
}
