/** Density of the standard normal distribution. */
export const density = (z: number): number => Math.exp(-0.5 * z * z) / 2.5066282746310002;

/** What lies below `z` of the standard normal distribution, to 1e-7: Abramowitz and Stegun 26.2.17. */
export function below(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    density(z) * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? 1 - tail : tail;
}

/** Seven points that stand for a standard normal variable, and their weights: Gauss and Hermite. */
export const nodes = [
  -3.750439717725742, -2.366759410734541, -1.154405394739968, 0, 1.154405394739968, 2.366759410734541,
  3.750439717725742,
] as const;
export const weights = [
  0.000548268855972218, 0.030757123967586498, 0.240123178605013, 0.457142857142857, 0.240123178605013,
  0.030757123967586498, 0.000548268855972218,
] as const;
