/** Of a configuration, without the indentation that its place gives it. */
export type Lines = readonly string[];

/** `name value value;` The values hold no white space and nothing that nginx reads as syntax: numbers, our own words, and strings of the settings' patterns. */
export const directive = (name: string, ...values: readonly (string | number)[]): string =>
  `${[name, ...values].join(' ')};`;

/** nginx reads milliseconds almost everywhere. */
export const inTime = (ms: number): string => (ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`);
/** Where it does not. */
export const inSeconds = (ms: number): string => `${Math.ceil(ms / 1_000)}s`;

/** The largest unit that is exact: no figure of nginx.conf is a riddle. */
export function inBytes(bytes: number): string {
  if (bytes > 0 && bytes % 1_048_576 === 0) return `${bytes / 1_048_576}m`;
  return bytes > 0 && bytes % 1_024 === 0 ? `${bytes / 1_024}k` : String(bytes);
}
