const pattern = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;
const parts = /([0-9]+)(ms|h|m|s)/g;
const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** A duration as GEP-2257 writes it: one to four figures with a unit. CEL's `duration()` reads the same strings. */
export const durationPattern = pattern.source;

/**
 * Milliseconds of an API duration: `300s` is 300 000, `1h30m` is 5 400 000, `100ms` is 100.
 *
 * @throws {RangeError} when the text is not a duration; the message says what one looks like.
 */
export function milliseconds(duration: string): number {
  if (!pattern.test(duration)) {
    throw new RangeError(
      `saw ${JSON.stringify(duration)}; wanted a duration in h, m, s or ms, for example 300s or 1h30m`,
    );
  }
  return [...duration.matchAll(parts)].reduce(
    (sum, [, figure, unit]) => sum + Number(figure) * (unitMs[unit ?? ''] ?? Number.NaN),
    0,
  );
}

/** Seconds of an API duration; see {@link milliseconds}. */
export const seconds = (duration: string): number => milliseconds(duration) / 1_000;
