import { maskedStatement } from '../api/masked-statement.ts';

/** The longest text that is shown. */
const mostCharacters = 200;

/**
 * A statement as it may be shown to people: without any literal, comment or parameter, and of a kind that has none in clear.
 *
 * Lists of values become one, so that statements which differ by their length are the same.
 *
 * @param sql As PostgreSQL has it in pg_stat_statements or pg_stat_activity, where it may be cut off anywhere.
 * @returns undefined for whatever is no query: utility statements (ALTER ROLE … PASSWORD) are nobody's to see.
 */
export function shownStatement(sql: string): string | undefined {
  const text = maskedStatement(sql)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\?(?: ?, ?\?)+/g, '?')
    .replaceAll(/\( ?\? ?\)/g, '(?)')
    .replaceAll(/\(\?\)(?: ?, ?\(\?\))+/g, '(?)')
    .trim();
  if (!/^[ (]*(?:select|insert|update|delete|merge|with|values|table)\b/i.test(text)) return undefined;
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1)}…` : text;
}
