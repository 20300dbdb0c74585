const pattern = /^(0(\.[0-9]{1,4})?|1(\.0{1,4})?)$/;

/** A share from 0 to 1 with at most four digits; a string because the API has no floats. */
export const ratioPattern = pattern.source;

/** `"0.95"` is 0.95. @throws {RangeError} when the text is not a ratio. */
export function ratio(text: string): number {
  if (!pattern.test(text))
    throw new RangeError(`saw ${JSON.stringify(text)}; wanted a ratio from 0 to 1 as a string, for example "0.95"`);
  return Number(text);
}
