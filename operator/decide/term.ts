/** A figure of a decision, told so that it can be checked by hand. */
export interface Term {
  readonly name: string;
  /** Undefined: not known. */
  readonly value: number | undefined;
  /** Empty for a ratio. */
  readonly unit: string;
  /** What it is, and what it was compared with. */
  readonly means: string;
  /** ms since the epoch; of what was measured. */
  readonly observedAt?: number | undefined;
}
