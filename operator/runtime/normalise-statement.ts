import { maskedStatement } from '../api/masked-statement.ts';

/** Longer statements are told apart by their beginning. */
const maxLength = 1_000;

/** A statement without what it was asked with: no literal of a user stays in it, and all that differ only in literals are one. */
export function normaliseStatement(sql: string): string {
  const plain = maskedStatement(sql)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\( ?\?(?: ?, ?\?)+ ?\)/g, '(?, …)')
    .replaceAll(/(\((?:\?|\?, …)\))(?: ?, ?\1)+/g, '$1, …')
    .trim();
  return plain.length > maxLength ? `${plain.slice(0, maxLength)}…` : plain;
}
