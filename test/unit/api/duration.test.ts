import { describe, expect, test } from '@jest/globals';
import { milliseconds, seconds } from '../../../operator/api/duration.ts';

describe('milliseconds()', () => {
  test.each([
    { text: '0s', ms: 0 },
    { text: '300s', ms: 300_000 },
    { text: '100ms', ms: 100 },
    { text: '1h30m', ms: 5_400_000 },
    { text: '8760h', ms: 31_536_000_000 },
    { text: '1m1m', ms: 120_000 },
    { text: '1h1m1s1ms', ms: 3_661_001 },
    { text: '99999h', ms: 359_996_400_000 },
  ])('reads $text as $ms', ({ text, ms }) => {
    expect(milliseconds(text)).toBe(ms);
  });

  test.each(['', '5', '5 s', '-5s', '1.5s', '5 minutes', '1d', '123456s', '1h1h1h1h1h', ' 5s', '5s\n', 'PT5S'])(
    'refuses %j and says what a duration looks like',
    (text) => {
      expect(() => milliseconds(text)).toThrow(RangeError);
      expect(() => milliseconds(text)).toThrow(
        /^saw ".*"; wanted a duration in h, m, s or ms, for example 300s or 1h30m$/,
      );
    },
  );
});

test('seconds() keeps fractions', () => {
  expect(seconds('1500ms')).toBe(1.5);
});
