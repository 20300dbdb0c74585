export interface Backoff {
  /** First delay, in ms. */
  readonly baseMs: number;
  /** Longest delay, in ms. */
  readonly capMs: number;
}

/** Delay before attempt number `attempt` (1 is the first retry), in ms: doubles up to the cap, then half of it is left to chance. `random` gives [0, 1). */
export declare function backoffMs({ baseMs, capMs }: Backoff, attempt: number, random: () => number): number;
