/** Longer statements are told apart by their beginning. */
const maxLength = 1_000;

/** Literals in every form that PostgreSQL knows, comments, parameters and runs of blanks; names in double quotes stay. */
const parts =
  /"(?:[^"]|"")*"|\/\*[^]*?\*\/|--[^\n]*|\$([A-Za-z_]\w*)?\$[^]*?\$\1\$|[eE]'(?:[^'\\]|\\[^]|'')*'|(?:\b[bBxXnN]|[uU]&)?'(?:[^']|'')*'|\$\d+|(?<![\w.])(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\b|\s+/g;

/** A statement without what it was asked with: no literal of a user stays in it, and all that differ only in literals are one. */
export function normaliseStatement(sql: string): string {
  const plain = sql
    .replace(parts, (part) => {
      if (part.startsWith('"')) return part;
      return /^\s|^--|^\/\*/.test(part) ? ' ' : '?';
    })
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\( ?\?(?: ?, ?\?)+ ?\)/g, '(?, …)')
    .replaceAll(/(\((?:\?|\?, …)\))(?: ?, ?\1)+/g, '$1, …')
    .trim();
  return plain.length > maxLength ? `${plain.slice(0, maxLength)}…` : plain;
}
