import { escapeIdentifier, escapeLiteral } from 'pg';
import type { WantedIndex } from './wanted.ts';

type Column = WantedIndex['columns'][number];
type Condition = NonNullable<WantedIndex['where']>[number];

/** Where an operator class of a method lives, by `btree/text_pattern_ops`: the search_path of a session holds only the server's own. */
export type OpclassSchemas = Readonly<Record<string, string>>;

interface Target {
  /** The table, or one that stands in for it; quoted. */
  readonly on: string;
  readonly name: string;
  readonly isConcurrent: boolean;
  readonly opclasses: OpclassSchemas;
}

/**
 * CREATE INDEX as it is sent. It takes no bound parameters: every name goes through escapeIdentifier, every value through escapeLiteral, the rest is from the lists below: they are the boundary, whatever a policy says.
 * Never IF NOT EXISTS, which takes an invalid leftover for success.
 */
export function createIndex(wanted: WantedIndex, { on, name, isConcurrent, opclasses }: Target): string {
  const { columns, include = [], where = [], unique, method } = wanted;
  const keys = columns.map((column) => keyText(column, method, opclasses)).join(', ');
  return [
    `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${isConcurrent ? 'CONCURRENTLY ' : ''}${escapeIdentifier(name)} ON ${on}`,
    `USING ${wordOf(methods, method)} (${keys})`,
    ...(include.length === 0 ? [] : [`INCLUDE (${include.map(escapeIdentifier).join(', ')})`]),
    ...(where.length === 0 ? [] : [`WHERE ${where.map(conditionText).join(' AND ')}`]),
  ].join(' ');
}

/** Shows the values that more than one row has: what keeps an index from being unique. A NULL equals nothing. */
export function duplicates({ schema, table, columns, where = [] }: WantedIndex): string {
  const keys = columns.map(({ name }) => escapeIdentifier(name));
  const conditions = [...where.map(conditionText), ...keys.map((key) => `${key} IS NOT NULL`)].join(' AND ');
  const list = keys.join(', ');
  return `SELECT ${list}, count(*) FROM ${qualified(schema, table)} WHERE ${conditions} GROUP BY ${list} HAVING count(*) > 1`;
}

const methods = {
  BTree: 'btree',
  Hash: 'hash',
  GIN: 'gin',
  GiST: 'gist',
  BRIN: 'brin',
} as const satisfies Record<WantedIndex['method'], string>;
const orders = { Asc: 'ASC', Desc: 'DESC' } as const satisfies Record<NonNullable<Column['order']>, string>;
const nullOrders = {
  First: 'NULLS FIRST',
  Last: 'NULLS LAST',
} as const satisfies Record<NonNullable<Column['nulls']>, string>;

function wordOf<T extends string>(words: Readonly<Record<T, string>>, which: T): string {
  if (!Object.hasOwn(words, which)) throw new Error(`${which} must never be sent in CREATE INDEX`);
  return words[which];
}

/** `"public"."workflows"` */
export const qualified = (schema: string, name: string): string =>
  `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;

const opclassKey = (method: WantedIndex['method'], opclass: string): string => `${wordOf(methods, method)}/${opclass}`;

function keyText(
  { name, order, nulls, opclass }: Column,
  method: WantedIndex['method'],
  schemas: OpclassSchemas,
): string {
  const schema = opclass === undefined ? undefined : (schemas[opclassKey(method, opclass)] ?? 'pg_catalog');
  return [
    escapeIdentifier(name),
    ...(opclass === undefined || schema === undefined ? [] : [qualified(schema, opclass)]),
    ...(order === undefined ? [] : [wordOf(orders, order)]),
    ...(nulls === undefined ? [] : [wordOf(nullOrders, nulls)]),
  ].join(' ');
}

const comparisons = {
  Equal: (values: string) => `= ${values}`,
  NotEqual: (values: string) => `<> ${values}`,
  LessThan: (values: string) => `< ${values}`,
  GreaterThan: (values: string) => `> ${values}`,
  In: (values: string) => `IN (${values})`,
  NotIn: (values: string) => `NOT IN (${values})`,
  IsNull: () => 'IS NULL',
  IsNotNull: () => 'IS NOT NULL',
} as const satisfies Record<Condition['operator'], (values: string) => string>;

const conditionText = ({ column, operator, values = [] }: Condition): string =>
  `${escapeIdentifier(column)} ${comparisons[operator](values.map(escapeLiteral).join(', '))}`;

/** A NUL would end a statement in the middle; half a surrogate pair is no text in UTF-8. */
export const isSendable = ({ where = [] }: WantedIndex): boolean =>
  where.every(({ values = [] }) => values.every((value) => value.isWellFormed() && !value.includes('\0')));
