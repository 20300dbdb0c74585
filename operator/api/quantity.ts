/** A Kubernetes quantity as YAML gives it: `1Gi`, `500m`, or a bare number. */
export type Quantity = string | number;

const pattern = /^([0-9]{1,15}(?:\.[0-9]{1,9})?)(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/;
const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  Ki: 2 ** 10,
  M: 1e6,
  Mi: 2 ** 20,
  G: 1e9,
  Gi: 2 ** 30,
  T: 1e12,
  Ti: 2 ** 40,
};

/** The quantities that the API takes: not negative, no exponent, at most tera. A part of what Kubernetes itself takes. */
export const quantityPattern = pattern.source.replaceAll('?:', '');

/** The number that a quantity stands for, in its base unit (bytes, cores, pieces). @throws {RangeError} when it is none. */
export function quantity(text: Quantity): number {
  const [, figure, suffix] = pattern.exec(String(text)) ?? [];
  if (figure === undefined) {
    throw new RangeError(`saw ${JSON.stringify(text)}; wanted a quantity, for example 1Gi, 512Mi, 500m or 2`);
  }
  return Number(figure) * (suffix === undefined ? 1 : (factors[suffix] ?? Number.NaN));
}

/** What the API server and metrics-server write besides: billionths, millionths, and more than tera. */
const foreignFactors: Readonly<Record<string, number>> = {
  ...factors,
  n: 1e-9,
  u: 1e-6,
  P: 1e15,
  Pi: 2 ** 50,
  E: 1e18,
  Ei: 2 ** 60,
};
const foreignPattern = new RegExp(`^([0-9]{1,18}(?:\\.[0-9]{1,9})?)(${Object.keys(foreignFactors).join('|')})?$`);

/** The same of what somebody else wrote. A form that we do not read (an exponent) is no reason to stop: the amount is unknown. */
export function amount(text: Quantity | undefined): number | undefined {
  const [, figure, suffix] = foreignPattern.exec(String(text ?? '')) ?? [];
  if (figure === undefined) return undefined;
  return Number(figure) * (suffix === undefined ? 1 : (foreignFactors[suffix] ?? Number.NaN));
}

/** Whole bytes: `1Gi` is 1 073 741 824. A fraction of a byte is rounded up, as Kubernetes does. @throws {RangeError} */
export const bytes = (text: Quantity): number => Math.ceil(quantity(text));

/** CPU cores: `500m` is 0.5. @throws {RangeError} */
export const cores = (text: Quantity): number => quantity(text);
