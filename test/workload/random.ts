/** A number in [0, 1) at each call. */
export type Random = () => number;

/** The same seed gives the same numbers: mulberry32 by Tommy Ettinger, good enough for arrivals and service times, not for secrets. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Exponentially distributed with mean 1: the gaps of a Poisson process of rate 1. */
export function exponential(random: Random): number {
  return -Math.log(1 - random());
}

/**
 * Lognormal: the usual shape of service times, many short and a few long.
 *
 * @param mean Of the distribution itself, not of its logarithm.
 * @param cv Coefficient of variation, standard deviation / mean; 0 gives the mean each time.
 */
export function lognormal(random: Random, mean: number, cv: number): number {
  if (mean <= 0) return 0;
  const variance = Math.log(1 + cv * cv);
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp(Math.log(mean) - variance / 2 + Math.sqrt(variance) * normal);
}
