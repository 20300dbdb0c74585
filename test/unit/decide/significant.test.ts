import { expect, test } from '@jest/globals';
import { significant } from '../../../operator/decide/significant.ts';

test.each([
  { value: 0, text: '0' },
  { value: 0.0123456, text: '0.0123' },
  { value: 2.5, text: '2.5' },
  { value: 10, text: '10' },
  { value: 99.94, text: '99.9' },
  { value: 99.97, text: '100' },
  { value: 100, text: '100' },
  { value: 1610.4, text: '1610' },
])('$value is said as $text', ({ value, text }) => {
  expect(significant(value)).toBe(text);
});
