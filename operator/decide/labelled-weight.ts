export interface LabelledWeight {
  readonly weight: number;
  readonly why: 'Label' | 'NoLabel' | 'NotAWeight';
}

/** What the label of a Pod says of its weight, from 1 to 100; a Pod without one has 1, as with nginx itself. */
export function weightFrom(label: string | undefined): LabelledWeight {
  if (label === undefined) return { weight: 1, why: 'NoLabel' };
  return /^([1-9][0-9]?|100)$/.test(label) ? { weight: Number(label), why: 'Label' } : { weight: 1, why: 'NotAWeight' };
}
