/** Time of a window in which an objective was judged, in whole seconds. What was Unknown or NotExercised is in neither of the two. */
export interface JudgedTime {
  readonly metSeconds: number;
  readonly notMetSeconds: number;
  /** From the start of the oldest bucket that counts until now: the window, or up to a bucket more. */
  readonly spanSeconds: number;
}

/**
 * Share of the judged time in which the figure kept its target: 0 to 1, by the figure itself, without the dead band of the state.
 *
 * @returns undefined where nothing was judged: unknown is not met.
 */
export function attainmentOf({ metSeconds, notMetSeconds }: JudgedTime): number | undefined {
  const judged = metSeconds + notMetSeconds;
  return judged === 0 ? undefined : metSeconds / judged;
}

/** Rounded down, so that `1` means that it was never missed. */
export const attainmentText = (attainment: number): string => String(Math.floor(attainment * 1_000 + 1e-9) / 1_000); // 0.57 × 1000 is 569.9…
