/** From a quantity to a place in the picture. */
export type Scale = (value: number) => number;

export function scale([from, to]: readonly [number, number], [start, end]: readonly [number, number]): Scale {
  const perUnit = to === from ? 0 : (end - start) / (to - from);
  return (value) => start + (value - from) * perUnit;
}

/** Round values from 0 to the first at or above `most`, in at most `count` steps of 1, 2 or 5 times a power of ten. */
export function ticks(most: number, count: number): readonly number[] {
  const least = Math.max(most, 1e-9) / count;
  const power = 10 ** Math.floor(Math.log10(least));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least * (1 - 1e-9)) ?? least;
  return Array.from({ length: Math.ceil((most / step) * (1 - 1e-9)) + 1 }, (_, index) =>
    Number((index * step).toPrecision(12)),
  );
}

/** The median of each value and its neighbours on both sides; what is unknown is left out. */
export function smoothed(values: readonly (number | null)[], neighbours: number): readonly (number | null)[] {
  return values.map((_, index) => {
    const near = values
      .slice(Math.max(index - neighbours, 0), index + neighbours + 1)
      .filter((value) => value !== null);
    return near.toSorted((a, b) => a - b)[Math.floor(near.length / 2)] ?? null;
  });
}
