import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { shownStatement } from '../../../operator/decide/statement-text.ts';

describe('shownStatement()', () => {
  test.each([
    ['numbers', 'SELECT 1, 2.5e-3, 0x1F FROM t1 WHERE a2=-7', 'SELECT ? FROM t1 WHERE a2=-?'],
    ['strings', "SELECT * FROM t WHERE a='x''y' AND b=B'101'", 'SELECT * FROM t WHERE a=? AND b=?'],
    ['escaped strings', String.raw`SELECT E'a\'b' || e'c' FROM t`, 'SELECT ? || ? FROM t'],
    ['unicode strings', String.raw`SELECT U&'\0061' UESCAPE '!' FROM t`, 'SELECT ? UESCAPE ? FROM t'],
    ['dollar quotes', 'SELECT $$a $x$ b$$, $t$c$$d$t$ FROM t', 'SELECT ? FROM t'],
    [
      'parameters, and lists whatever their length',
      'select a from t where b in ($1, $2,$3)',
      'select a from t where b in (?)',
    ],
    [
      'a list that version 18 has merged',
      'select a from t where b in ($1 /*, ... */)',
      'select a from t where b in (?)',
    ],
    ['rows whatever their number', "INSERT INTO t VALUES (1,'a'),(2,'b')", 'INSERT INTO t VALUES (?)'],
    ['comments, also nested', "SELECT a /* /* 'x' */ secret */ FROM t -- tail\nWHERE b", 'SELECT a FROM t WHERE b'],
    ['names in quotes, which stay', 'SELECT "a 1""b" FROM "T 2"', 'SELECT "a 1""b" FROM "T 2"'],
    ['a string that is cut off', "UPDATE t SET a = 'secr", 'UPDATE t SET a = ?'],
    ['a comment that is cut off', 'SELECT a /* secr', 'SELECT a'],
    [
      'a string whose end depends on a setting: nothing behind it',
      String.raw`SELECT 'a\' , 'secret' FROM t`,
      'SELECT ?',
    ],
    [
      'a query in parentheses, and one with names first',
      "( WITH x AS (SELECT 'a') TABLE x )",
      '( WITH x AS (SELECT ?) TABLE x )',
    ],
  ])('without %s', (_, sql, shown) => expect(shownStatement(sql)).toBe(shown));

  test.each([
    "ALTER ROLE app PASSWORD 'pw'",
    'DO $$BEGIN PERFORM 1; END$$',
    "/* SELECT */ CREATE USER x PASSWORD 'pw'",
    "EXPLAIN SELECT 'a'",
    "COPY t FROM PROGRAM 'x'",
    '<insufficient privilege>',
    'selection',
    '',
  ])('nothing of %j', (sql) => expect(shownStatement(sql)).toBeUndefined());

  test('200 characters at most', () => {
    expect(shownStatement(`SELECT ${'a, '.repeat(100)}b`)).toHaveLength(200);
    expect(shownStatement(`SELECT ${'a'.repeat(193)}`)).toBe(`SELECT ${'a'.repeat(193)}`);
  });

  test('no literal comes through, however it is written and wherever the text is cut', () => {
    const words = fc.stringMatching(/^[a-z '"$\\/*\n-]{0,8}$/);
    const secret = fc.tuple(words, words).map(([before, after]) => `${before}SeCrEt${after}`);
    const literal = fc.oneof(
      secret.map((text) => `'${text.replaceAll('\\', '').replaceAll("'", "''")}'`),
      secret.map((text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`),
      secret.filter((text) => !text.includes('$')).map((text) => `$tag$${text}$tag$`),
      secret.filter((text) => !/[*/]/.test(text)).map((text) => `1 /* ${text} */`),
      secret.filter((text) => !text.includes('\n')).map((text) => `1 -- ${text}\n`),
    );
    fc.assert(
      fc.property(fc.array(literal, { minLength: 1, maxLength: 4 }), fc.nat(), (literals, cut) => {
        const sql = `SELECT a FROM t WHERE b IN (${literals.join(', ')})`;
        for (const text of [sql, sql.slice(0, cut % sql.length)])
          expect(shownStatement(text) ?? '').not.toContain('SeC');
      }),
      { numRuns: 2_000 },
    );
  });
});
