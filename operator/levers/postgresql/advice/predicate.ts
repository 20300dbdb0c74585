import { conditionsOf } from '../indexes/form.ts';

/** A condition that an index on the column could answer. */
export interface ColumnCondition {
  readonly column: string;
  /** One value or several (IN, IS NULL), or all on one side of one. */
  readonly kind: 'Equal' | 'Range';
  /** The column is compared as text: without loss only where it is a kind of text. */
  readonly asText: boolean;
}

const identifier = String.raw`(?:[a-z_\u0080-\uffff][\w$\u0080-\uffff]*|"(?:[^"]|"")+")`;
const compared = new RegExp(
  String.raw`^\(?(${identifier})\.(${identifier})\)?(::text)? (?:(IS NULL)|(=|<|<=|>|>=) (.+))$`,
  's',
);

/**
 * What of a filter an index could answer; whatever else stands there (functions, OR, other columns of the same row) is left out.
 *
 * @param filter As EXPLAIN (VERBOSE) has it: `((workflows.status = $1) AND (workflows.size > $2))`.
 */
export function columnConditions(filter: string, alias: string): readonly ColumnCondition[] {
  return conditionsOf(filter.slice(1, -1)).flatMap((text) => {
    const [, table = '', column = '', cast, isNull, operator, value = ''] = compared.exec(bare(text)) ?? [];
    if (column === '' || unquoted(table) !== alias || mentions(value, table) || !isOne(value)) return [];
    const kind = isNull !== undefined || operator === '=' ? 'Equal' : 'Range';
    return [{ column: unquoted(column), kind, asText: cast !== undefined }];
  });
}

/** @param key `workflows.created_at DESC`. @returns undefined for an expression. */
export function sortColumn(key: string, alias: string): string | undefined {
  const [, table = '', column] =
    new RegExp(String.raw`^(${identifier})\.(${identifier})(?: DESC| ASC)?(?: NULLS (?:FIRST|LAST))?$`).exec(key) ?? [];
  return column === undefined || unquoted(table) !== alias ? undefined : unquoted(column);
}

const bare = (text: string): string => (text.startsWith('(') && isWhole(text) ? text.slice(1, -1) : text);

/** Whether the first parenthesis is closed by the last. */
function isWhole(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    depth += text[at] === '(' ? 1 : text[at] === ')' ? -1 : 0;
    if (depth === 0) return at === text.length - 1;
  }
  return false;
}

/** What is compared with is another column of the row, or is worked out for each. */
const mentions = (value: string, table: string): boolean => value.includes(`${table}.`) || value.includes('SubPlan');

/** Else the comparison is only one side of an OR. */
const isOne = (value: string): boolean => isWhole(`(${value})`);

/** As it is in the catalogue. */
export const unquoted = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
