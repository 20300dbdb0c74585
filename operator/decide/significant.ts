/** Three digits, more only where they stand before the point. */
export const significant = (value: number): string =>
  String(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
