import type { Index } from '../indexes/catalogue.ts';
import type { SeqScan } from './plan-tree.ts';
import { columnConditions, sortColumn, unquoted, type ColumnCondition } from './predicate.ts';

/** A statement that takes time, and which tables it reads from end to end. */
export interface PlannedStatement {
  /** queryid */
  readonly id: string;
  /** Of the time of all statements of the database; 0–1. */
  readonly share: number;
  readonly scans: readonly SeqScan[];
}

/** What the catalogues say of a table. */
export interface TableFacts {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** As of the last VACUUM or ANALYZE; −1 before the first. */
  readonly rows: number;
  readonly sizeBytes: number;
  /** Type by column, of those that a btree can have. */
  readonly columns: Readonly<Record<string, string>>;
}

/** An index that is not there, and whom it would serve. */
export interface Candidate {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** queryids, the one that takes most time first. */
  readonly statements: readonly string[];
  /** What these take of the time of all statements of the database; 0–1. */
  readonly share: number;
}

/** A smaller table is read in a moment, whatever indexes it has. */
const leastBytes = 1_048_576;
const leastRows = 10_000;
/** Of the rows of a table: where a filter leaves more, reading all of it is about as fast. */
const mostOfTable = 0.1;
/** Columns that have to be equal; more make the index larger and seldom better. */
const mostEqual = 3;
/** More are not shown: each index costs every write. */
const mostCandidates = 5;

/** The indexes that would spare the statements a scan of a large table, the one that takes most time first. @param statements Likewise. */
export function candidatesOf(
  statements: readonly PlannedStatement[],
  tables: readonly TableFacts[],
  indexes: readonly Index[],
): readonly Candidate[] {
  const found = statements.flatMap(({ id, scans }) =>
    scans.flatMap((scan): readonly Found[] => {
      const table = tables.find(({ schema, name }) => schema === scan.schema && name === scan.table);
      const key = table && keyFor(scan, table);
      if (table === undefined || key === undefined) return [];
      if (indexes.some((index) => index.tableOid === table.oid && answers(index, key))) return [];
      const columns = [...key.equal, ...(key.last === undefined ? [] : [key.last])];
      return [{ schema: table.schema, table: table.name, columns, statements: [id] }];
    }),
  );
  return found
    .toSorted((a, b) => b.columns.length - a.columns.length)
    .reduce(withFound, [])
    .map((one) => {
      const served = statements.filter(({ id }) => one.statements.includes(id));
      return {
        ...one,
        statements: served.map(({ id }) => id),
        share: served.reduce((sum, { share }) => sum + share, 0),
      };
    })
    .toSorted((a, b) => b.share - a.share)
    .slice(0, mostCandidates);
}

type Found = Omit<Candidate, 'share'>;

interface Key {
  readonly equal: readonly string[];
  /** One range, or the order that is wanted. */
  readonly last: string | undefined;
}

function keyFor({ filter, alias, rows, sortKey }: SeqScan, table: TableFacts): Key | undefined {
  if (table.sizeBytes < leastBytes || table.rows < leastRows) return undefined;
  const conditions = filter === undefined ? [] : columnConditions(filter, alias).filter((one) => isPlain(one, table));
  const equal = [...new Set(conditions.filter(({ kind }) => kind === 'Equal').map(({ column }) => column))];
  const range = conditions.find(({ kind, column }) => kind === 'Range' && !equal.includes(column))?.column;
  const order = sortKey
    .slice(0, 1)
    .map((key) => sortColumn(key, alias))
    .find((column) => column !== undefined && table.columns[column] !== undefined);
  const last = range ?? (order !== undefined && !equal.includes(order) ? order : undefined);
  if (equal.length === 0 && last === undefined) return undefined;
  const spares = rows <= table.rows * mostOfTable || (order !== undefined && order === last);
  return spares ? { equal: equal.slice(0, mostEqual), last } : undefined;
}

const isPlain = ({ column, asText }: ColumnCondition, { columns }: TableFacts): boolean =>
  columns[column] !== undefined && (!asText || columns[column].startsWith('character varying'));

/** Whether a scan of this index would do: then the planner has a reason of its own not to. */
function answers({ isValid, method, predicate, columns, keyColumns }: Index, { equal, last }: Key): boolean {
  const key = columns.slice(0, keyColumns).map(unquoted);
  const first = new Set(key.slice(0, equal.length));
  return (
    isValid &&
    method === 'btree' &&
    predicate === null &&
    equal.every((column) => first.has(column)) &&
    (last === undefined || key[equal.length] === last)
  );
}

/** One that begins with the same columns serves whoever wants the shorter, too. Longer ones come first. */
function withFound(all: readonly Found[], next: Found): readonly Found[] {
  const position = all.findIndex(
    ({ schema, table, columns }) =>
      schema === next.schema && table === next.table && next.columns.every((column, at) => columns[at] === column),
  );
  const known = all[position];
  if (known === undefined) return [...all, next];
  return all.with(position, { ...known, statements: [...known.statements, ...next.statements] });
}
