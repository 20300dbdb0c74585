import { describe, expect, test } from '@jest/globals';
import { defaultSettings } from '../../../operator/runtime/default-settings.ts';
import { normaliseStatement } from '../../../operator/runtime/normalise-statement.ts';
import { createQueryMonitor } from '../../../operator/runtime/query-monitor.ts';
import { createSettings } from '../../../operator/runtime/settings.ts';

describe('normaliseStatement()', () => {
  test.each<{ name: string; sql: string; plain: string }>([
    {
      name: 'literals of text',
      sql: "SELECT * FROM a WHERE b = 'it''s' AND c = E'x\\'y'",
      plain: 'SELECT * FROM a WHERE b = ? AND c = ?',
    },
    {
      name: 'numbers, but not those of names',
      sql: 'SELECT t1.a FROM t1 WHERE x > -1.5e3 LIMIT 10',
      plain: 'SELECT t1.a FROM t1 WHERE x > -? LIMIT ?',
    },
    { name: 'figures of other bases', sql: 'SELECT 0x1F, 0b101, 1_000', plain: 'SELECT ?, ?, ?' },
    { name: 'comments in comments', sql: 'SELECT a /* b /* c */ secret */ FROM d', plain: 'SELECT a FROM d' },
    { name: 'a literal that is cut off', sql: "SELECT a FROM b WHERE c = 'secr", plain: 'SELECT a FROM b WHERE c = ?' },
    { name: 'dollar quotes', sql: "SELECT $tag$ it's 1 $tag$, $$x$$", plain: 'SELECT ?, ?' },
    {
      name: 'parameters',
      sql: 'SELECT a FROM b WHERE c = $1 AND d = $12',
      plain: 'SELECT a FROM b WHERE c = ? AND d = ?',
    },
    {
      name: 'lists of any length',
      sql: 'SELECT a FROM b WHERE c IN (1, 2,3)',
      plain: 'SELECT a FROM b WHERE c IN (?, …)',
    },
    {
      name: 'rows of any number',
      sql: "INSERT INTO a VALUES (1, 'x'), (2, 'y')",
      plain: 'INSERT INTO a VALUES (?, …), …',
    },
    { name: 'comments and blanks', sql: 'SELECT a -- secret 1\n  FROM /* b */ c', plain: 'SELECT a FROM c' },
    { name: 'nothing of a quoted name', sql: 'SELECT "a 1" FROM "b\'c"', plain: 'SELECT "a 1" FROM "b\'c"' },
  ])('takes out $name', ({ sql, plain }) => {
    expect(normaliseStatement(sql)).toBe(plain);
  });
  test.each<{ name: string; sql: string; plain: string }>([
    {
      name: 'rows, as if there were fewer',
      sql: `INSERT INTO a (b, c) VALUES ${Array.from({ length: 1_000 }, (_, n) => `(${n}, 'secret')`).join(', ')}`,
      plain: 'INSERT INTO a (b, c) VALUES (?, …), …',
    },
    {
      name: 'a list',
      sql: `SELECT a FROM b WHERE c IN (${'12, '.repeat(2_000)}7) AND d = e`,
      plain: 'SELECT a FROM b WHERE c IN (?, …)…',
    },
    {
      name: 'a literal, and nothing of it shows',
      sql: `SELECT a FROM b WHERE c = '${'secret '.repeat(1_000)}' AND d = e`,
      plain: 'SELECT a FROM b WHERE c = ?…',
    },
  ])('reads no more than the beginning of what is endless: $name', ({ sql, plain }) => {
    expect(normaliseStatement(sql)).toBe(plain);
  });
  test('cuts what is endless', () => {
    expect(normaliseStatement(`SELECT ${'a, '.repeat(1_000)}b`)).toHaveLength(1_001);
  });
});

describe('createQueryMonitor()', () => {
  const settingsWith = (maxStatements: number) => ({
    ...defaultSettings,
    queryMonitor: { slowAboveMs: 1_000, maxStatements },
  });

  test('gives count, average, longest and shortest of each statement, whatever its literals, slowest first', () => {
    const monitor = createQueryMonitor(createSettings(settingsWith(10)));
    for (const [id, ms] of [
      [1, 10],
      [2, 30],
      [3, 20],
    ] as const)
      monitor.note(`SELECT ${id}`, ms);
    monitor.note('COMMIT', 1);
    expect(monitor.statistics()).toEqual([
      { statement: 'SELECT ?', count: 3, averageMs: 20, maxMs: 30, minMs: 10 },
      { statement: 'COMMIT', count: 1, averageMs: 1, maxMs: 1, minMs: 1 },
    ]);
  });

  test('tells of what takes longer than a second, and not of what takes just that', () => {
    const slow: unknown[] = [];
    const monitor = createQueryMonitor(createSettings(settingsWith(10)), { onSlow: (one) => slow.push(one) });
    monitor.note("SELECT 'secret'", 1_000);
    expect(slow).toEqual([]);
    monitor.note("SELECT 'secret'", 1_001);
    expect(slow).toEqual([{ statement: 'SELECT ?', ms: 1_001 }]);
  });

  test('keeps the statements that were asked last, as many as the settings say now', () => {
    const settings = createSettings(settingsWith(3));
    const monitor = createQueryMonitor(settings);
    for (const table of ['a', 'b', 'c', 'd']) monitor.note(`SELECT x FROM ${table}`, 1);
    expect(monitor.statistics()).toHaveLength(3);
    settings.set(settingsWith(1));
    monitor.note('SELECT x FROM b', 1);
    expect(monitor.statistics().map(({ statement, count }) => [statement, count])).toEqual([['SELECT x FROM b', 2]]);
    expect(monitor.forgotten).toBe(3);
  });
});
