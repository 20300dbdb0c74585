/** What is within all bounds, by component. */
export function leastOf(bounds: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const least = new Map<string, number>();
  for (const [by, max] of bounds.flatMap((one) => [...one])) least.set(by, Math.min(max, least.get(by) ?? max));
  return least;
}
