import { describe, expect, test } from '@jest/globals';
import { createRandom, lognormal } from '../../workload/random.ts';

describe('lognormal()', () => {
  test.each([
    { mean: 300, cv: 0.5 },
    { mean: 20, cv: 1 },
  ])('has mean $mean and coefficient of variation $cv, to 3 %', ({ mean, cv }) => {
    const random = createRandom(3);
    const values = Array.from({ length: 200_000 }, () => lognormal(random, mean, cv));
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length);
    expect(Math.abs(average / mean - 1)).toBeLessThan(0.03);
    expect(Math.abs(deviation / average / cv - 1)).toBeLessThan(0.03);
  });

  test('is the mean each time without variation, and 0 for a mean of 0', () => {
    const random = createRandom(3);
    expect(lognormal(random, 300, 0)).toBeCloseTo(300, 9);
    expect(lognormal(random, 0, 1)).toBe(0);
  });
});

test('equal seeds give equal numbers, others do not', () => {
  expect(three(5)).toEqual(three(5));
  expect(three(5)).not.toEqual(three(6));
});

function three(seed: number): readonly number[] {
  const random = createRandom(seed);
  return [random(), random(), random()];
}
