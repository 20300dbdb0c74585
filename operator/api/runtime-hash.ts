import { createHash } from 'node:crypto';

/** Of runtime settings: of the JSON, without spaces, of everything in them but `version` and `hash`, in the order in which it stands there. The first 12 hexadecimal digits of its SHA-256. */
export function settingsHash({
  version: _,
  hash: __,
  ...rest
}: object & { version?: unknown; hash?: unknown }): string {
  return createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 12);
}

/** The value of the gauge by which a Pod says what it runs with: 48 bits, which every float holds exactly. Not a label, whose values would be endless. */
export const hashNumber = (hash: string): number => Number.parseInt(hash, 16);
export const hashText = (number: number): string => number.toString(16).padStart(12, '0');
