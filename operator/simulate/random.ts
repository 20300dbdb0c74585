/** Numbers in [0, 1) that are the same for the same seed: sfc32. */
export type Random = () => number;

export function random(seed: number): Random {
  let [a, b, c, counter] = [0, seed | 0, 0x9e3779b9, 1];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}

/** Draws with the mean and the coefficient of variation of a lognormal distribution. */
export function lognormal(mean: number, cv: number, uniform: Random): () => number {
  const variance = Math.log(1 + cv * cv);
  const [middle, deviation] = [Math.log(mean) - variance / 2, Math.sqrt(variance)];
  let spare: number | undefined;
  return () => {
    const normal = spare ?? 0;
    if (spare !== undefined) {
      spare = undefined;
      return Math.exp(middle + deviation * normal);
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform())); // Box and Muller: two at a time
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return Math.exp(middle + deviation * radius * Math.cos(angle));
  };
}
