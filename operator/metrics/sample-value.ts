import { isBlank } from './series-key.ts';

/** Exact as doubles, so that dividing a whole number below 2^53 by one rounds once: the result is what `Number()` gives. */
const powersOfTen = Float64Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);
const numeral = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
/** No double needs as many characters; longer ones are not worth the time that looking at them takes. */
const longestNumeral = 64;
/** Whatever may follow the value: a timestamp (ms, or s with a fraction in OpenMetrics) and an exemplar. */
const tail = /^[ \t\r]*(?:[ \t]-?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?[ \t\r]*)?(?:[ \t]# ?\{.*)?$/;

/**
 * The value of the sample whose key ends at `from`, in a line that ends before `end`.
 *
 * @returns undefined where there is no value, or something else than a timestamp or an exemplar behind it. NaN is a value.
 */
export function parseSample(text: string, from: number, end: number): number | undefined {
  const quick = plainNumber(text, isBlank(text.charCodeAt(from)) ? from + 1 : from, end);
  return quick >= 0 ? quick : parseSlowly(text.slice(from, end));
}

/** A number of at most 15 digits, with a point or without, that takes up the whole of the text; -1 for everything else. */
function plainNumber(text: string, from: number, end: number): number {
  if (end - from > 16 || end <= from) return -1;
  let digits = 0;
  let count = 0;
  let decimals = -1; // no point seen
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      digits = digits * 10 + (code - 48);
      count++;
      if (decimals >= 0) decimals++;
    } else if (code === 46 && decimals < 0) decimals = 0;
    else return -1;
  }
  if (count === 0 || count > 15) return -1;
  return decimals <= 0 ? digits : digits / (powersOfTen[decimals] ?? NaN);
}

function parseSlowly(rest: string): number | undefined {
  const [, token, after] = /^[ \t]*([^ \t\r]+)(.*)$/s.exec(rest) ?? [];
  if (token === undefined || after === undefined || token.length > longestNumeral || !tail.test(after))
    return undefined;
  if (numeral.test(token)) return Number(token);
  switch (token.toLowerCase()) {
    case 'nan':
      return NaN;
    case 'inf':
    case '+inf':
      return Infinity;
    case '-inf':
      return -Infinity;
    default:
      return undefined;
  }
}
