export interface Backoff {
  /** First delay, in ms. */
  readonly baseMs: number;
  /** Longest delay, in ms. */
  readonly capMs: number;
}

/** Delay before attempt number `attempt` (1 is the first retry), in ms: doubles up to the cap, and half of it is left to chance. `random` gives [0, 1). */
export function backoffMs({ baseMs, capMs }: Backoff, attempt: number, random: () => number): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.max(0, attempt - 1)); // 2 ** 1100 is Infinity, of which the minimum is still the cap
  return full / 2 + (random() * full) / 2;
}
