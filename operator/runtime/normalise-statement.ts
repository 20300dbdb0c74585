import { maskedStatement } from '../api/masked-statement.ts';

/** Longer statements are told apart by their beginning. */
const maxLength = 1_000;
/** Of so much of a statement: each query waits for it, and an INSERT may have megabytes of values. */
const readLength = 4_000;

/** A statement without what it was asked with: no literal of a user stays in it, and all that differ only in literals are one. */
export function normaliseStatement(sql: string): string {
  const isCut = sql.length > readLength;
  const plain = maskedStatement(sql.slice(0, readLength))
    .replaceAll(/\s+/g, ' ')
    .replace(openList, '(?, …)')
    .replaceAll(/\( ?\?(?: ?, ?\?)+ ?\)/g, '(?, …)')
    .replaceAll(/(\((?:\?|\?, …)\))(?: ?, ?\1)+/g, '$1, …')
    .trim();
  if (plain.length > maxLength) return `${plain.slice(0, maxLength)}…`;
  return isCut && !plain.endsWith('), …') ? `${plain}…` : plain;
}

/** Where the cut came among values: as if it had come behind them. */
const openList = /\((?: ?\?(?: ?,)?)* ?$/;
