/** So many requests a second for each address, and some more at once. */
export interface RateLimit {
  /** False: too many. */
  take(address: string, now: number): boolean;
}

/** Addresses that are remembered: who has not asked for long is forgotten first, with a full bucket. */
const mostAddresses = 1_000;

export function createRateLimit({
  perSecond,
  atOnce,
}: {
  readonly perSecond: number;
  readonly atOnce: number;
}): RateLimit {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>();
  return {
    take(address, now) {
      const { left, at } = buckets.get(address) ?? { left: atOnce, at: now };
      const filled = Math.min(atOnce, left + ((now - at) / 1_000) * perSecond);
      const isFree = filled >= 1;
      buckets.delete(address); // so that it stands last
      buckets.set(address, { left: isFree ? filled - 1 : filled, at: now });
      const [oldest] = buckets.keys();
      if (buckets.size > mostAddresses && oldest !== undefined) buckets.delete(oldest);
      return isFree;
    },
  };
}
