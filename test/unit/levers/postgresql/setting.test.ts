import { describe, expect, test } from '@jest/globals';
import { bytesOf, figureOf, isInForce, meansSame, shown } from '../../../../operator/levers/postgresql/setting.ts';
import { settingWith } from './observations.ts';

describe('figureOf()', () => {
  test.each([
    ['16MB', 'kB', 16_384],
    ['16 MB', 'kB', 16_384],
    ['16384', 'kB', 16_384],
    ['128MB', '8kB', 16_384],
    ['0.5GB', 'MB', 512],
    ['1e3', 'kB', 1000],
    ['0x10', 'kB', 16],
    ['010MB', 'MB', 8],
    ['-1', 'kB', -1],
    ['5min', 's', 300],
    ['1d', 'min', 1440],
    ['1500us', 'ms', 2],
    ['16mb', 'kB', undefined],
    ['16MiB', 'kB', undefined],
    ['16MB', 's', undefined],
    ['16MB', null, undefined],
    ['lots', 'kB', undefined],
    ['', 'kB', undefined],
    ["1MB'; DROP TABLE t; --", 'kB', undefined],
  ])('%j in %s is %s', (text, unit, expected) => {
    expect(figureOf(text, { unit, type: 'integer' })).toBe(expected);
  });

  test('a real is not rounded, and a leading zero is no octal', () => {
    expect(figureOf('1500us', { unit: 'ms', type: 'real' })).toBe(1.5);
    expect(figureOf('010', { unit: null, type: 'real' })).toBe(10);
  });
});

describe('meansSame()', () => {
  const jit = settingWith('jit', { type: 'bool' });
  const wal = settingWith('wal_compression', { type: 'enum' });
  const cost = settingWith('random_page_cost', { type: 'real' });
  test.each([
    [jit, 'yes', 'on', true],
    [jit, 'f', 'off', true],
    [jit, 'of', 'on', false],
    [jit, 'perhaps', 'on', false],
    [wal, 'on', 'pglz', true],
    [wal, 'LZ4', 'lz4', true],
    [wal, 'false', 'off', true],
    [wal, 'lz4', 'off', false],
    [cost, '1.1', '1.1', true],
    [cost, '0.3333333333', '0.333333', true],
    [cost, '1.1', '1.2', false],
    [settingWith('work_mem', { unit: 'kB' }), '16MB', '16384', true],
    [settingWith('work_mem', { unit: 'kB' }), '16MB', '16MB', true],
  ] as const)('of %j: %s and %s', (setting, text, value, expected) => {
    expect(meansSame(setting, text, value)).toBe(expected);
  });
});

test('wal_buffers = -1 is in force where the server has chosen, and not where somebody has', () => {
  const chosen = settingWith('wal_buffers', { value: '512', unit: '8kB' });
  expect(isInForce(chosen, '-1')).toBe(true);
  expect(isInForce({ ...chosen, source: 'override' }, '-1')).toBe(true);
  expect(isInForce({ ...chosen, source: 'configuration file' }, '-1')).toBe(false);
});

test.each([
  ['16384', '8kB', '128MB'],
  ['4096', 'kB', '4MB'],
  ['4097', 'kB', '4097kB'],
  ['300', 's', '5min'],
  ['1500', 'ms', '1500ms'],
  ['-1', 'kB', '-1'],
  ['0', 'ms', '0'],
  ['100', null, '100'],
])('%s of %s is shown as %s', (value, unit, expected) => {
  expect(shown({ unit, type: 'integer' }, value)).toBe(expected);
});

test('bytes of a size, and of nothing else', () => {
  expect(bytesOf('128MB', { unit: '8kB', type: 'integer' })).toBe(2 ** 27);
  expect(bytesOf('100', { unit: null, type: 'integer' })).toBeUndefined();
  expect(bytesOf('5min', { unit: 's', type: 'integer' })).toBeUndefined();
});
