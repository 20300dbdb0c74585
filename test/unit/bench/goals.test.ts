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

  test('the HPA controller has to see each service every 15 s: 66.7 of 1000 a second', () => {
    const at = (syncs: number) =>
      verdictOf('hpa: syncs/s ≥ 0.95 × those that are due', (_, line) => (line === 'hpa' ? syncs : Number.NaN));
    expect(at(63.4)).toMatchObject({ is: '0.95 ×', holds: true });
    expect(at(63.3)).toMatchObject({ holds: false });
  });

  test('an idle service costs a Redis at most 50 commands a minute', () => {
    const at = (commands: number) =>
      verdictOf('servers-idle: commands of a Redis a minute ≤ 50', (_, line, name) =>
        line === 'servers-idle' && name === 'redisCommands' ? commands : Number.NaN,
      );
    expect(at(50)).toMatchObject({ holds: true });
    expect(at(50.1)).toMatchObject({ holds: false });
  });

  test('a line that was left out has no verdict', () => {
    expect(goals(() => Number.NaN, 1000)).toEqual([]);
  });
});
