/** A field that breaks a rule: in one object, or where the layers of a policy were put together. */
export interface FieldProblem {
  /** Path below the object that was looked at: `horizontal.minReplicas`, `optimizer.rules[gc-on-memory].action`. */
  readonly field: string;
  /** The value, or the values that were compared and where they came from. */
  readonly saw: string;
  readonly wanted: string;
  readonly example: string;
}

/** In one sentence: which field, what was seen, what is wanted. */
export const problemText = ({ field, saw, wanted, example }: FieldProblem): string =>
  `${field}: saw ${saw}; wanted: ${wanted}, for example ${example}`;

/** A value on one line, as a message shows it. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
