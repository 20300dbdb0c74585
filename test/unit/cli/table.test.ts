import { expect, test } from '@jest/globals';
import { table } from '../../../operator/cli/table.ts';

test.each([
  { name: 'nothing for no rows', rows: [], expected: '' },
  {
    name: 'columns as wide as their widest cell, the last one free',
    rows: [
      ['a', 'long cell', 'x'],
      ['longer', 'b', 'the rest of it'],
    ],
    expected: '  a       long cell  x\n  longer  b          the rest of it\n',
  },
  {
    name: 'no blanks at the end of a line',
    rows: [
      ['a', ''],
      ['bb', 'c'],
    ],
    expected: '  a\n  bb  c\n',
  },
  { name: 'rows of different length', rows: [['only'], ['a', 'b']], expected: '  only\n  a     b\n' },
])('table() makes $name', ({ rows, expected }) => {
  expect(table(rows, '  ')).toBe(expected);
});
