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
  const text = masked(sql)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\?(?: ?, ?\?)+/g, '?')
    .replaceAll(/\( ?\? ?\)/g, '(?)')
    .replaceAll(/\(\?\)(?: ?, ?\(\?\))+/g, '(?)')
    .trim();
  if (!/^[ (]*(?:select|insert|update|delete|merge|with|values|table)\b/i.test(text)) return undefined;
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1)}…` : text;
}

type Rule = readonly [pattern: RegExp, shown: (found: RegExpExecArray) => string];

/** Sticky: each is tried where the one before has ended. What is cut off in the middle ends with the text. */
const rules: readonly Rule[] = [
  [/--[^\n]*/y, () => ' '],
  [/"(?:[^"]|"")*"?/y, ([name]) => name],
  [/e'(?:[^'\\]|''|\\.)*'?/isy, () => '?'],
  [/(?:[bxn]|u&)?'(?:[^']|'')*'?/iy, () => '?'],
  [/[a-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*/iuy, ([word]) => word],
  [/\$?[0-9](?:e[+-]|[\w.])*/iy, () => '?'],
  [/[^]/uy, ([character]) => character],
];

function masked(sql: string): string {
  let [shown, at] = ['', 0];
  while (at < sql.length) {
    const end = endOfComment(sql, at) ?? endOfDollarQuote(sql, at);
    if (end !== undefined) {
      shown += sql.startsWith('/*', at) ? ' ' : '?';
      at = end;
      continue;
    }
    const [found, word] = matched(sql, at);
    if (word === '?' && /^[^e][^]*\\'/i.test(found)) return `${shown}?`; // where it ends depends on a setting of the session
    shown += word;
    at += found.length;
  }
  return shown;
}

function matched(sql: string, at: number): readonly [found: string, shown: string] {
  for (const [pattern, shown] of rules) {
    pattern.lastIndex = at;
    const found = pattern.exec(sql);
    if (found !== null) return [found[0], shown(found)];
  }
  return [sql.slice(at), '?'];
}

/** They nest. */
function endOfComment(sql: string, start: number): number | undefined {
  if (!sql.startsWith('/*', start)) return undefined;
  let depth = 0;
  for (let at = start; at < sql.length; at += 1) {
    const two = sql.slice(at, at + 2);
    if (two !== '/*' && two !== '*/') continue;
    depth += two === '/*' ? 1 : -1;
    at += 1;
    if (depth === 0) return at + 1;
  }
  return sql.length;
}

function endOfDollarQuote(sql: string, start: number): number | undefined {
  const opening = /\$(?:[a-z_\u0080-\u{10ffff}][\w\u0080-\u{10ffff}]*)?\$/iuy;
  opening.lastIndex = start;
  const [tag] = opening.exec(sql) ?? [];
  if (tag === undefined) return undefined;
  const end = sql.indexOf(tag, start + tag.length);
  return end === -1 ? sql.length : end + tag.length;
}
