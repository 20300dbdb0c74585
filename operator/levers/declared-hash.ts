import { createHash } from 'node:crypto';

/** Of the settings that a server is to have, in status: two servers with equal ones have the same, and another policy shows. */
export function declaredHash(wanted: ReadonlyMap<string, string>): string {
  const texts = [...wanted]
    .map((pair) => pair.join(' '))
    .toSorted()
    .join('\n');
  return createHash('sha256').update(texts).digest('hex').slice(0, 8);
}
