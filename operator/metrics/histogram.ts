/** How many observations fell into each bucket. */
export interface Histogram {
  /** Upper bounds, ascending; the last is usually Infinity. */
  readonly bounds: readonly number[];
  /** By bound: observations above the bound before it, not cumulative. */
  readonly counts: Float64Array;
  readonly sum: number;
  /** All observations; also where the source has no buckets (a summary). */
  readonly count: number;
  /** The one share whose quantile is known, where the source tells no more; absent: all are. */
  readonly only?: number;
}

/** `atLeast`: the quantile lies above the last finite bound, so only this much is known. */
export interface Quantile {
  readonly value: number;
  readonly atLeast?: true;
}

/**
 * The value below which the share `q` of the observations lies, by linear interpolation within its bucket, as Prometheus' histogram_quantile.
 *
 * @returns undefined where nothing was observed, no bucket has a finite bound, or the source tells another quantile only.
 */
export function quantile({ bounds, counts, only }: Histogram, q: number): Quantile | undefined {
  if (only !== undefined && only !== q) return undefined;
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

/** Both together: buckets of either are kept, and no more is known of them than of the one of which less is. */
export function together(a: Histogram | undefined, b: Histogram): Histogram {
  if (a === undefined) return b;
  const isSame = a.bounds.length === b.bounds.length && a.bounds.every((bound, index) => bound === b.bounds[index]);
  const only = a.only ?? b.only;
  const both = { sum: a.sum + b.sum, count: a.count + b.count, ...(only === undefined ? {} : { only }) };
  if (isSame) return { ...both, bounds: a.bounds, counts: a.counts.map((count, at) => count + (b.counts[at] ?? 0)) };
  const counts = new Map<number, number>();
  for (const one of [a, b])
    for (const [at, bound] of one.bounds.entries()) counts.set(bound, (counts.get(bound) ?? 0) + (one.counts[at] ?? 0));
  const bounds = [...counts.keys()].toSorted((x, y) => x - y);
  return { ...both, bounds, counts: Float64Array.from(bounds, (bound) => counts.get(bound) ?? 0) };
}

/**
 * The bounds of `histogram`, without those that tell the least, down to `most` of them (2 or more).
 * The greatest stays, and below +Inf the greatest finite one: no observation is without a bucket, and none gets beyond what can be told.
 */
export function thinned({ bounds, counts }: Histogram, most: number): readonly number[] {
  const fixed = bounds.at(-1) === Infinity ? 2 : 1;
  let spare = bounds.length - most;
  const kept = bounds
    .map((bound, index) => ({ bound, count: counts[index] ?? 0 }))
    .filter((one, index, all) => {
      const isEmpty = index < all.length - fixed && one.count + (all[index + 1]?.count ?? 0) === 0;
      return !(isEmpty && spare-- > 0); // most of a fine histogram, and nothing is lost by them
    });
  const told = kept.slice(0, -fixed).map((_, index) => toldBy(kept, index));
  while (kept.length > most) {
    const least = leastOf(told);
    const [gone] = kept.splice(least, 1);
    const next = kept[least];
    if (gone !== undefined && next !== undefined) next.count += gone.count;
    told.splice(least, 1);
    for (const changed of [least - 1, least]) if (changed in told) told[changed] = toldBy(kept, changed); // only these have another neighbour now
  }
  return kept.map(({ bound }) => bound);
}

/** Index of the first of the smallest. */
function leastOf(values: readonly number[]): number {
  let least = 0;
  for (let at = 1; at < values.length; at++) if ((values[at] ?? 0) < (values[least] ?? 0)) least = at;
  return least;
}

/** What is lost where a bucket is merged with the next: nothing where both are empty, else the width of the two by their upper bound. */
function toldBy(buckets: readonly { readonly bound: number; readonly count: number }[], index: number): number {
  const [below, own, next] = [buckets[index - 1], buckets[index], buckets[index + 1]];
  if (own === undefined || next === undefined || own.count + next.count === 0) return 0;
  return 1 - (below?.bound ?? Math.min(own.bound, 0)) / next.bound;
}

/**
 * `most` of the bounds at even distances in their order, the greatest finite one among them; all where there are no more. Any order, ascending out.
 * +Inf does not count and always stays. Of cumulative buckets nothing is lost but how finely they tell.
 */
export function spread(bounds: Iterable<number>, most: number): readonly number[] {
  const all = [...new Set(bounds)].toSorted((a, b) => a - b);
  const finite = all.filter((bound) => bound !== Infinity);
  const kept =
    finite.length <= most
      ? finite
      : Array.from({ length: most }, (_, index) => finite[Math.ceil(((index + 1) * finite.length) / most) - 1] ?? NaN);
  return all.length === finite.length ? kept : [...kept, Infinity];
}
