/**
 * An index as the server itself writes it down, whoever has declared it in whatever words: but for its name, two with one form are the same index.
 * Object ids are those of one database.
 */
export interface IndexForm {
  readonly method: string;
  readonly isUnique: boolean;
  readonly isNullsNotDistinct: boolean;
  /** The others are only stored beside the key. */
  readonly keyColumns: number;
  /** Column or expression, in order. */
  readonly columns: readonly string[];
  readonly opclasses: string;
  readonly collations: string;
  /** Order and place of NULL, a bit set for each column. */
  readonly options: string;
  readonly predicate: string | null;
}

/** Whether what is there does all that is wanted. A unique one also serves where uniqueness is not asked for. */
export function serves(there: IndexForm, wanted: IndexForm): boolean {
  return (
    (there.isUnique || !wanted.isUnique) &&
    (there.isNullsNotDistinct === wanted.isNullsNotDistinct || !wanted.isUnique) &&
    there.method === wanted.method &&
    there.keyColumns === wanted.keyColumns &&
    there.columns.join('\n') === wanted.columns.join('\n') &&
    there.opclasses === wanted.opclasses &&
    there.collations === wanted.collations &&
    there.options === wanted.options &&
    meaningOf(there.predicate ?? '') === meaningOf(wanted.predicate ?? '')
  );
}

/** Whether the server takes one for a part of the other: it compares expressions as they are written. */
export const isSame = (one: IndexForm, other: IndexForm): boolean =>
  serves(one, other) && one.isUnique === other.isUnique && one.predicate === other.predicate;

/** The server keeps the order in which conditions, and the values of an IN, were written; it means nothing. */
function meaningOf(predicate: string): string {
  const conditions = conditionsOf(predicate.slice(1, -1)).map((condition) =>
    condition.replace(arrays, (_, elements: string) => `ARRAY[${elementsOf(elements).toSorted().join(', ')}]`),
  );
  return conditions.toSorted().join(' AND ');
}

const arrays = /ARRAY\[((?:'(?:[^']|'')*'|[^'\]])*)\]/g;

/** Of `'a,b'::text, 'c'::text`: a comma within quotes parts nothing. */
const elementsOf = (list: string): readonly string[] =>
  (list.match(/(?:'(?:[^']|'')*'|[^',])+/g) ?? []).map((element) => element.trim());

/** Of `(a = 1) AND (b = ' AND ')`: what stands in quotes or parentheses parts nothing. */
export function conditionsOf(text: string): readonly string[] {
  let depth = 0;
  const conditions = [''];
  for (const [token] of text.matchAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"| AND |[^]/g)) {
    depth += token === '(' ? 1 : token === ')' ? -1 : 0;
    if (token === ' AND ' && depth === 0) conditions.push('');
    else conditions.push((conditions.pop() ?? '') + token);
  }
  return conditions;
}
