import { expect, test } from '@jest/globals';
import { ratio } from '../../../operator/api/ratio.ts';

test.each([
  { text: '0', value: 0 },
  { text: '0.95', value: 0.95 },
  { text: '0.0001', value: 0.0001 },
  { text: '1', value: 1 },
  { text: '1.0000', value: 1 },
])('reads $text as $value', ({ text, value }) => {
  expect(ratio(text)).toBe(value);
});

test.each(['', '.5', '1.1', '95%', '-0.1', '0.12345', '2', '0.5\n'])(
  'refuses %j and says what a ratio looks like',
  (text) => {
    expect(() => ratio(text)).toThrow(RangeError);
    expect(() => ratio(text)).toThrow('wanted a ratio from 0 to 1 as a string, for example "0.95"');
  },
);
