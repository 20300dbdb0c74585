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
    (there.isUnique === wanted.isUnique || (there.isUnique && !wanted.isUnique)) &&
    (there.isNullsNotDistinct === wanted.isNullsNotDistinct || !wanted.isUnique) &&
    there.method === wanted.method &&
    there.keyColumns === wanted.keyColumns &&
    there.columns.join('\n') === wanted.columns.join('\n') &&
    there.opclasses === wanted.opclasses &&
    there.collations === wanted.collations &&
    there.options === wanted.options &&
    sameSets(there.predicate ?? '') === sameSets(wanted.predicate ?? '')
  );
}

/** The server keeps the order in which the values of an IN were written; it means nothing. */
function sameSets(predicate: string): string {
  return predicate.replace(arrays, (_, elements: string) => `ARRAY[${elementsOf(elements).toSorted().join(', ')}]`);
}

const arrays = /ARRAY\[((?:'(?:[^']|'')*'|[^'\]])*)\]/g;

/** Of `'a,b'::text, 'c'::text`: a comma within quotes parts nothing. */
const elementsOf = (list: string): readonly string[] =>
  (list.match(/(?:'(?:[^']|'')*'|[^',])+/g) ?? []).map((element) => element.trim());
