/** Totals of a cache server since its start: a fall means that it began anew. */
export interface Lookups {
  /** ms since the epoch. */
  readonly at: number;
  /** Which process counts: the primaries of a cluster each count their own. */
  readonly server: string;
  readonly hits: number;
  readonly misses: number;
}

/** Below this many lookups a ratio says nothing. */
const fewest = 20;

/**
 * Hits of all lookups within the window, as a rate: the totals since the server's start would hide what happens now.
 *
 * @param samples Of one cache, which may be several servers, oldest first.
 * @returns undefined where the window holds less than two looks or too few lookups.
 */
export function hitRatio(
  samples: readonly Lookups[],
  since: number,
): { readonly value: number; readonly observedAt: number } | undefined {
  const counted = countedIn(samples, since);
  if (counted === undefined || counted.lookups < fewest) return undefined;
  return { value: counted.hits / counted.lookups, observedAt: counted.observedAt };
}

/** Whether it is known that the window holds too few lookups for a ratio. */
export const isIdle = (samples: readonly Lookups[], since: number): boolean =>
  (countedIn(samples, since)?.lookups ?? fewest) < fewest;

/** Increases within the window; undefined where no two looks of one run of the server lie in it. */
function countedIn(
  samples: readonly Lookups[],
  since: number,
): { readonly hits: number; readonly lookups: number; readonly observedAt: number } | undefined {
  const within = samples.filter(({ at }) => at > since);
  const steps = [...Map.groupBy(within, ({ server }) => server).values()].flatMap(stepsOf);
  const newest = within.at(-1);
  if (newest === undefined || steps.length === 0) return undefined;
  const hits = steps.reduce((sum, step) => sum + step.hits, 0);
  const misses = steps.reduce((sum, step) => sum + step.misses, 0);
  return { hits, lookups: hits + misses, observedAt: newest.at };
}

/** From look to look of one server; none where its totals fell. */
function stepsOf(looks: readonly Lookups[]): readonly { readonly hits: number; readonly misses: number }[] {
  return looks.flatMap((next, index) => {
    const before = looks[index - 1];
    if (before === undefined || next.hits < before.hits || next.misses < before.misses) return [];
    return [{ hits: next.hits - before.hits, misses: next.misses - before.misses }];
  });
}
