/** Whatever has to be looked at: each is tried in this order, where the one before has ended. What is cut off in the middle ends with the text. */
const token =
  /(?<comment>\/\*)|(?<dollar>\$(?:[a-z_\u0080-\u{10ffff}][\w\u0080-\u{10ffff}]*)?\$)|(?<line>--[^\n]*)|"(?:[^"]|"")*"?|(?<escaped>e'(?:[^'\\]|''|\\.)*'?)|(?<text>(?:[bxn]|u&)?'(?:[^']|'')*'?)|[a-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*|(?<figure>\$?[0-9](?:e[+-]|[\w.])*)/gisu;

/**
 * A statement of PostgreSQL without what it was asked with: each literal and parameter is `?`, each comment a blank; names stay.
 *
 * @param sql May be cut off anywhere.
 */
export function maskedStatement(sql: string): string {
  let [shown, at] = ['', 0];
  for (;;) {
    token.lastIndex = at;
    const found = token.exec(sql);
    if (found === null) return shown + sql.slice(at);
    const [part, { comment, dollar, line, escaped, text, figure } = {}] = [found[0], found.groups];
    shown += sql.slice(at, found.index);
    at = found.index + part.length;
    if (comment !== undefined) at = endOfComment(sql, found.index);
    if (dollar !== undefined) at = endOfQuote(sql, dollar, at);
    if (text?.includes(String.raw`\'`)) return `${shown}?`; // where it ends depends on a setting of the session
    if (comment ?? line) shown += ' ';
    else shown += (dollar ?? escaped ?? text ?? figure) === undefined ? part : '?';
  }
}

/** They nest. */
function endOfComment(sql: string, start: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  for (let depth = 0; ;) {
    const found = edge.exec(sql);
    if (found === null) return sql.length;
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
}

function endOfQuote(sql: string, tag: string, start: number): number {
  const end = sql.indexOf(tag, start);
  return end === -1 ? sql.length : end + tag.length;
}
