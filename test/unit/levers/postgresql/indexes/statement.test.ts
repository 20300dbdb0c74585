import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createIndex, isSendable } from '../../../../../operator/levers/postgresql/indexes/statement.ts';
import type { WantedIndex } from '../../../../../operator/levers/postgresql/indexes/wanted.ts';

const plain: WantedIndex = {
  name: 'i',
  mode: 'Enforce',
  schema: 'public',
  table: 't',
  columns: [{ name: 'a' }],
  method: 'BTree',
  unique: false,
};
const target = { on: '"public"."t"', name: 'i', isConcurrent: true, opclasses: { 'gin/gin_trgm_ops': 'ext' } };
const sql = (wanted: Partial<WantedIndex>): string => createIndex({ ...plain, ...wanted }, target);

describe('createIndex()', () => {
  test.each<[Partial<WantedIndex>, string]>([
    [{}, 'CREATE INDEX CONCURRENTLY "i" ON "public"."t" USING btree ("a")'],
    [
      { unique: true, columns: [{ name: 'a', order: 'Desc', nulls: 'Last' }, { name: 'B' }], include: ['c'] },
      'CREATE UNIQUE INDEX CONCURRENTLY "i" ON "public"."t" USING btree ("a" DESC NULLS LAST, "B") INCLUDE ("c")',
    ],
    [
      { method: 'GIN', columns: [{ name: 'a', opclass: 'gin_trgm_ops' }] },
      'CREATE INDEX CONCURRENTLY "i" ON "public"."t" USING gin ("a" "ext"."gin_trgm_ops")',
    ],
    [
      { columns: [{ name: 'a', opclass: 'text_pattern_ops' }] },
      'CREATE INDEX CONCURRENTLY "i" ON "public"."t" USING btree ("a" "pg_catalog"."text_pattern_ops")',
    ],
    [
      {
        where: [
          { column: 'a', operator: 'NotIn', values: ['x', "it's"] },
          { column: 'b', operator: 'IsNotNull' },
          { column: 'c', operator: 'LessThan', values: ['5'] },
        ],
      },
      `CREATE INDEX CONCURRENTLY "i" ON "public"."t" USING btree ("a") WHERE "a" NOT IN ('x', 'it''s') AND "b" IS NOT NULL AND "c" < '5'`,
    ],
  ])('%j', (wanted, expected) => {
    expect(sql(wanted)).toBe(expected);
  });

  test('whatever a name or a value holds, it ends where it was quoted', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('"', "'", '\\', ';', '-', '$', ' ', 'a', '\n', '/', '*', 'E'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(hostile, hostile, hostile, (column, value, opclass) => {
        const text = sql({
          columns: [{ name: column, opclass }],
          include: [column],
          where: [{ column, operator: 'Equal', values: [value] }],
        });
        const bare = text.replace(/"(?:[^"]|"")*"| ?E'(?:[^'\\]|''|\\\\)*'|'(?:[^'\\]|'')*'/g, '_');
        expect(bare).toMatch(/^CREATE INDEX CONCURRENTLY _ ON _\._ USING btree \(_ _\._\) INCLUDE \(_\) WHERE _ = ?_$/);
      }),
    );
  });

  test('what would end a statement in the middle is not sent', () => {
    const holding = (value: string): WantedIndex => ({
      ...plain,
      where: [{ column: 'a', operator: 'Equal', values: [value] }],
    });
    expect(isSendable(holding('ü 🙂'))).toBe(true);
    expect(isSendable(holding('a\0b'))).toBe(false);
    expect(isSendable(holding('\ud800'))).toBe(false);
  });
});
