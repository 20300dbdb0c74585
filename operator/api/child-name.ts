import { createHash } from 'node:crypto';

const longest = 63;

/** Name of an object that belongs to a service: the parts joined by `-`, cut and hashed where that is over 63 characters, so that two long names never meet. */
export function childName(...parts: readonly string[]): string {
  const whole = parts.join('-');
  if (whole.length <= longest) return whole;
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 8);
  return `${whole.slice(0, longest - hash.length - 1).replace(/-+$/, '')}-${hash}`;
}
