import { describe, expect, test } from '@jest/globals';
import { amount, bytes, cores, quantity } from '../../../operator/api/quantity.ts';

describe('bytes()', () => {
  test.each([
    { text: '1Gi', value: 1_073_741_824 },
    { text: '1G', value: 1_000_000_000 },
    { text: '512Mi', value: 536_870_912 },
    { text: '4Ki', value: 4096 },
    { text: '1.5Gi', value: 1_610_612_736 },
    { text: '2Ti', value: 2_199_023_255_552 },
    { text: '1', value: 1 },
    { text: 1024, value: 1024 },
    { text: '0.1Ki', value: 103 },
  ])('reads $text as $value', ({ text, value }) => {
    expect(bytes(text)).toBe(value);
  });
});

describe('cores()', () => {
  test.each([
    { text: '500m', value: 0.5 },
    { text: '1000m', value: 1 },
    { text: '2', value: 2 },
    { text: 2, value: 2 },
    { text: '0.25', value: 0.25 },
  ])('reads $text as $value', ({ text, value }) => {
    expect(cores(text)).toBe(value);
  });
});

test.each(['', '1gb', '1 Gi', '-1Gi', '1e3', 'Gi', '1Pi', '1.Gi', -1, Number.NaN, '1Gi\n'])(
  'refuses %j and says what a quantity looks like',
  (text) => {
    expect(() => quantity(text)).toThrow(RangeError);
    expect(() => quantity(text)).toThrow('wanted a quantity, for example 1Gi, 512Mi, 500m or 2');
  },
);

describe('amount()', () => {
  test.each([
    { text: '2847102n', value: 0.002847102 },
    { text: '350u', value: 0.00035 },
    { text: '84123456n', value: 0.084123456 },
    { text: '84Mi', value: 88_080_384 },
    { text: '2P', value: 2e15 },
    { text: '0', value: 0 },
    { text: 2, value: 2 },
  ])('reads what others write: $text is $value', ({ text, value }) => {
    expect(amount(text)).toBeCloseTo(value, 12);
  });
  test.each(['', '1e3', '-5Mi', 'NaN', undefined])('%p is unknown', (text) => {
    expect(amount(text)).toBeUndefined();
  });
});
