import { describe, expect, test } from '@jest/globals';
import { attainmentOf, attainmentText } from '../../../operator/decide/attainment.ts';

test('attainment is the share of the judged time, and unknown where none was', () => {
  expect(attainmentOf({ metSeconds: 90, notMetSeconds: 10, spanSeconds: 3_600 })).toBe(0.9);
  expect(attainmentOf({ metSeconds: 0, notMetSeconds: 10, spanSeconds: 3_600 })).toBe(0);
  expect(attainmentOf({ metSeconds: 0, notMetSeconds: 0, spanSeconds: 3_600 })).toBeUndefined();
});

describe('attainmentText()', () => {
  test.each([
    [1, '1'],
    [0.99999, '0.999'],
    [0.57, '0.57'],
    [0.992, '0.992'],
    [0, '0'],
  ])('%d is %s', (attainment, text) => {
    expect(attainmentText(attainment)).toBe(text);
  });
});
