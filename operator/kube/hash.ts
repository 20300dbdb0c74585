import { createHash } from 'node:crypto';

/** Equal for values that are equal as JSON, whatever the order of their keys. 27 characters. */
export function hashOf(value: unknown): string {
  return createHash('sha1')
    .update(JSON.stringify(value, sorted) ?? '')
    .digest('base64url');
}

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
