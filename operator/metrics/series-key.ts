const codes = { tab: 9, blank: 32, quote: 34, backslash: 92, open: 123, close: 125 } as const;
export const isBlank = (code: number): boolean => code === codes.blank || code === codes.tab;

/**
 * Where the text before the value ends, in the line from `from` to `end`: behind the `}` of its labels, else at the first blank. A blank between name and `{` belongs to the key.
 *
 * @returns -1 where labels are not closed, or nothing follows.
 */
export function endOfKey(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && !isBlank(text.charCodeAt(at)) && text.charCodeAt(at) !== codes.open) at++;
  const nameEnd = at;
  while (at < end && isBlank(text.charCodeAt(at))) at++;
  if (text.charCodeAt(at) !== codes.open || at >= end) return nameEnd < end ? nameEnd : -1;
  for (let quoted = false; at < end; at++) {
    const code = text.charCodeAt(at);
    if (quoted && code === codes.backslash) at++;
    else if (code === codes.quote) quoted = !quoted;
    else if (code === codes.close && !quoted) return at + 1 < end ? at + 1 : -1; // a blank may be missing here: Prometheus takes it so
  }
  return -1;
}

const namePattern = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
/** One `label="value"`, or a metric name in quotes, and the comma behind it. */
const pairPattern =
  /[ \t]*(?:([a-zA-Z_][a-zA-Z0-9_]*|"(?:[^"\\]|\\.)*")[ \t]*=[ \t]*)?"((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)/sy;

export interface SeriesKey {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

/** Takes `name{label="value",…}` or `{"name",label="value",…}` apart. @returns undefined where it is neither. */
export function parseKey(key: string): SeriesKey | undefined {
  const open = key.indexOf('{');
  if (open === -1) return namePattern.test(key) ? { name: key, labels: new Map() } : undefined;
  let name = key.slice(0, open).trimEnd();
  if (name !== '' && !namePattern.test(name)) return undefined;
  const labels = new Map<string, string>();
  const pair = new RegExp(pairPattern); // sticky: it remembers where it is
  const inside = key.slice(open + 1, -1).trimEnd();
  for (let at = 0; at < inside.length; at = pair.lastIndex) {
    pair.lastIndex = at;
    const [, label, value] = pair.exec(inside) ?? [];
    if (value === undefined) return undefined;
    if (label !== undefined)
      labels.set(label.startsWith('"') ? unescaped(label.slice(1, -1)) : label, unescaped(value));
    else if (name === '') name = unescaped(value);
    else return undefined;
  }
  return name === '' ? undefined : { name, labels };
}

/** `\\`, `\"` and `\n`; any other backslash stands for itself, as in Prometheus' own parser. */
const unescaped = (text: string): string =>
  text.includes('\\') ? text.replace(/\\([\\"n])/g, (_, code: string) => (code === 'n' ? '\n' : code)) : text;
