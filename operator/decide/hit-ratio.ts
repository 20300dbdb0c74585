/** Totals of a cache server since its start: a fall means that it began anew. */
export interface Lookups {
  /** ms since the epoch. */
  readonly at: number;
  readonly hits: number;
  readonly misses: number;
}

/** Below this many lookups a ratio says nothing. */
const fewest = 20;

/**
 * Hits of all lookups within the window, as a rate: the totals since the server's start would hide what happens now.
 *
 * @param samples Of one server, oldest first.
 * @returns undefined where the window holds less than two looks or too few lookups.
 */
export function hitRatio(
  samples: readonly Lookups[],
  since: number,
): { readonly value: number; readonly observedAt: number } | undefined {
  const within = samples.filter(({ at }) => at > since);
  const newest = within.at(-1);
  if (newest === undefined) return undefined;
  let [hits, misses] = [0, 0];
  for (const [index, next] of within.entries()) {
    const before = within[index - 1];
    if (before === undefined || next.hits < before.hits || next.misses < before.misses) continue;
    hits += next.hits - before.hits;
    misses += next.misses - before.misses;
  }
  return hits + misses < fewest ? undefined : { value: hits / (hits + misses), observedAt: newest.at };
}
