import { describe, expect, test } from '@jest/globals';
import { goals } from '../../bench/goals.ts';
import { percentile } from '../../bench/statistics.ts';

describe('percentile()', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  test.each([
    { name: 'the middle', q: 0.5, expected: 51 },
    { name: 'all but one of a hundred are below p99', q: 0.99, expected: 100 },
    { name: 'no more than the greatest', q: 1, expected: 100 },
  ])('$name', ({ q, expected }) => {
    expect(percentile(hundred, q)).toBe(expected);
  });

  test('of nothing is not a number', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('goals()', () => {
  const verdictOf = (goal: string, figure: Parameters<typeof goals>[0]) =>
    goals(figure, 1000).find((verdict) => verdict.goal === goal);

  test('counts what settles after Ready as written for the new services too', () => {
    const writes = (settled: number) =>
      verdictOf('writes for one new service = 2', (_, line) =>
        line === 'converge' ? 2000 : line === 'settle' ? settled : 0,
      );
    expect(writes(0)).toMatchObject({ is: '2.000', holds: true });
    expect(writes(1)).toMatchObject({ is: '2.001', holds: false });
  });

  test('a figure that is missing holds no goal', () => {
    expect(goals(() => Number.NaN, 1000).filter(({ holds }) => holds)).toEqual([]);
  });
});
