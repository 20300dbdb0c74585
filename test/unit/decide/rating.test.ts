import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { ratingOf, withSummary, type RatingInput } from '../../../operator/decide/rating.ts';

const { rating: policy } = effectivePolicy({}).policy;
const best = { cpuPercent: 10, memoryBytes: 1, responseTimeP95: { value: 0.01 }, cacheHitRatio: 1 };
const mi = 1024 ** 2;
const points = (input: Partial<RatingInput>) => ratingOf({ policy, ...best, ...input });

describe('ratingOf()', () => {
  test.each([
    [49.99, 25],
    [50, 15],
    [74.99, 15],
    [75, 5],
    [89.99, 5],
    [90, 0],
    [250, 0],
  ])('cpu %p %% gives %p', (cpuPercent, expected) => {
    expect(points({ cpuPercent }).parts?.cpu).toBe(expected);
  });
  test.each([
    [1024 * mi - 1, 25],
    [1024 * mi, 15],
    [1536 * mi, 5],
    [2048 * mi, 0],
  ])('memory %p gives %p', (memoryBytes, expected) => {
    expect(points({ memoryBytes }).parts?.memory).toBe(expected);
  });
  test.each([
    [0.0999, 25],
    [0.1, 15],
    [0.4999, 15],
    [0.5, 5],
    [0.9999, 5],
    [1, 0],
  ])('p95 %p s gives %p', (value, expected) => {
    expect(points({ responseTimeP95: { value } }).parts?.responseTime).toBe(expected);
  });
  test.each([
    [0.81, 25],
    [0.8, 15],
    [0.71, 15],
    [0.7, 5],
    [0.51, 5],
    [0.5, 0],
  ])('hit ratio %p gives %p', (cacheHitRatio, expected) => {
    expect(points({ cacheHitRatio }).parts?.cacheHitRatio).toBe(expected);
  });

  test.each<{ readonly name: string; readonly input: Partial<RatingInput>; readonly summary: string }>([
    { name: 'the grade where all four parts are known', input: {}, summary: 'Excellent' },
    { name: 'with three of them', input: { cpuPercent: undefined }, summary: 'Excellent 3/4' },
    {
      name: 'with half of them',
      input: { cacheHitRatio: undefined, responseTimeP95: undefined },
      summary: 'Excellent 2/4',
    },
    {
      name: 'with none',
      input: { cacheHitRatio: undefined, responseTimeP95: undefined, cpuPercent: undefined, memoryBytes: undefined },
      summary: 'Unknown',
    },
    {
      name: 'with one',
      input: { cacheHitRatio: undefined, responseTimeP95: undefined, cpuPercent: undefined },
      summary: 'Unknown 1/4',
    },
  ])('the summary does not read as if all were known: $name', ({ input, summary }) => {
    expect(withSummary(points(input)).summary).toBe(summary);
  });

  test.each<{ name: string; input: Partial<RatingInput>; grade: string; score: number; scoredOf: number }>([
    {
      name: '25 + 25 + 25 + 5 = 80 is Excellent',
      input: { cacheHitRatio: 0.6 },
      grade: 'Excellent',
      score: 80,
      scoredOf: 100,
    },
    {
      name: '25 + 25 + 15 + 5 = 70 is Good',
      input: { responseTimeP95: { value: 0.2 }, cacheHitRatio: 0.6 },
      grade: 'Good',
      score: 70,
      scoredOf: 100,
    },
    {
      name: '25 + 15 + 15 + 5 = 60 is Good',
      input: { memoryBytes: 1100 * mi, responseTimeP95: { value: 0.2 }, cacheHitRatio: 0.6 },
      grade: 'Good',
      score: 60,
      scoredOf: 100,
    },
    {
      name: '25 + 15 + 0 + 0 = 40 is Fair',
      input: { memoryBytes: 1100 * mi, responseTimeP95: { value: 2 }, cacheHitRatio: 0.1 },
      grade: 'Fair',
      score: 40,
      scoredOf: 100,
    },
    {
      name: '25 + 5 + 5 + 0 = 35 is Poor',
      input: { memoryBytes: 1600 * mi, responseTimeP95: { value: 0.6 }, cacheHitRatio: 0.1 },
      grade: 'Poor',
      score: 35,
      scoredOf: 100,
    },
    {
      name: 'a part without a figure counts neither way: 55 of 75 are as good as 73 of 100',
      input: { cacheHitRatio: undefined, responseTimeP95: { value: 0.2 }, memoryBytes: 1100 * mi, cpuPercent: 10 },
      grade: 'Good',
      score: 55,
      scoredOf: 75,
    },
    {
      name: 'half of the points known are enough for a grade: 25 + 25 of 50 is Excellent',
      input: { cacheHitRatio: undefined, responseTimeP95: undefined },
      grade: 'Excellent',
      score: 50,
      scoredOf: 50,
    },
    {
      name: 'below half the best points are no grade: 25 of 25 is Unknown',
      input: { cacheHitRatio: undefined, responseTimeP95: undefined, memoryBytes: undefined },
      grade: 'Unknown',
      score: 25,
      scoredOf: 25,
    },
    {
      name: 'nor are the worst: 0 of 25 is Unknown',
      input: { cacheHitRatio: 0.1, responseTimeP95: undefined, memoryBytes: undefined, cpuPercent: undefined },
      grade: 'Unknown',
      score: 0,
      scoredOf: 25,
    },
    {
      name: 'a lower bound within the limits is unknown',
      input: { responseTimeP95: { value: 0.5, atLeast: true } },
      grade: 'Excellent',
      score: 75,
      scoredOf: 75,
    },
    {
      name: 'a lower bound beyond the last limit gives nothing',
      input: { responseTimeP95: { value: 10, atLeast: true } },
      grade: 'Good',
      score: 75,
      scoredOf: 100,
    },
  ])('$name', ({ input, grade, score, scoredOf }) => {
    expect(points(input)).toMatchObject({ grade, score, scoredOf });
  });

  test('shows a missing part as missing', () => {
    expect(points({ cacheHitRatio: undefined }).parts).toEqual({ cpu: 25, memory: 25, responseTime: 25 });
  });
  test('shows the points of what is known also where that is too little for a grade', () => {
    expect(ratingOf({ policy, memoryBytes: 1100 * mi })).toEqual({
      grade: 'Unknown',
      score: 15,
      scoredOf: 25,
      parts: { memory: 15 },
    });
  });
  test('counts halves by parts, whatever a part gives: 20 + 20 of 40, of 80', () => {
    const other = { ...policy, points: [20, 10, 5] };
    expect(ratingOf({ policy: other, cpuPercent: 10, memoryBytes: 1 })).toMatchObject({
      grade: 'Excellent',
      scoredOf: 40,
    });
    expect(ratingOf({ policy: other, cpuPercent: 10 })).toMatchObject({ grade: 'Unknown', scoredOf: 20 });
  });
  test('knows no grade without a figure', () => {
    expect(ratingOf({ policy })).toEqual({ grade: 'Unknown', scoredOf: 0 });
  });
});
