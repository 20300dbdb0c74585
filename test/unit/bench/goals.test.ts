import { describe, expect, test } from '@jest/globals';
import { goals } from '../../bench/goals.ts';
import { verdictsOn, type Result } from '../../bench/report.ts';
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
  const result = (line: Result['line'], figures: Result['figures']): Result => ({
    contestant: 'genops',
    line,
    figures,
    requests: {},
  });
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

  test.each<{ goal: string; line: string; name: string; holds: number; misses: number }>([
    {
      goal: 'text: times as fast as textparse with labels ≥ 2',
      line: 'text',
      name: 'timesTextparse',
      holds: 2,
      misses: 1.99,
    },
    {
      goal: 'scrape: % of a core, 1000 Pods every 10 s ≤ 6',
      line: 'scrape',
      name: 'corePercentEach10S',
      holds: 6,
      misses: 6.01,
    },
    {
      goal: 'scrape: scrapes/s, 1000 Pods every second ≥ 950',
      line: 'scrape',
      name: 'perSEach1S',
      holds: 950,
      misses: 949,
    },
    {
      goal: 'scrape: loop delay p99 in ms, 1000 Pods every second ≤ 40',
      line: 'scrape',
      name: 'loopP99MsEach1S',
      holds: 40,
      misses: 40.1,
    },
    { goal: 'scrape: failed ≤ 0', line: 'scrape', name: 'failed', holds: 0, misses: 1 },
    { goal: 'windows: MB of 1000 services ≤ 150', line: 'windows', name: 'megabytes', holds: 150, misses: 151 },
    {
      goal: 'roll-ups: MB of 1000 services, attainment over a day ≤ 5',
      line: 'roll-ups',
      name: 'dayMegabytes',
      holds: 5,
      misses: 5.1,
    },
    {
      goal: 'roll-ups: MB of 1000 services, attainment over 30 days ≤ 36',
      line: 'roll-ups',
      name: 'monthMegabytes',
      holds: 36,
      misses: 36.1,
    },
  ])('$goal: $holds holds, $misses misses', ({ goal, line, name, holds, misses }) => {
    const of = (value: number) => verdictsOn([result(line as Result['line'], { [name]: value })], 1000);
    expect(of(holds)).toEqual([{ goal, is: expect.any(String), holds: true }]);
    expect(of(misses)).toEqual([{ goal, is: expect.any(String), holds: false }]);
  });

  test('of several runs the middle one counts', () => {
    const runs = (...values: readonly number[]) =>
      verdictsOn(
        values.map((megabytes) => result('windows', { megabytes })),
        1000,
      );
    expect(runs(900, 80, 85)).toMatchObject([{ is: '85', holds: true }]);
    expect(runs(900, 80, 850)).toMatchObject([{ is: '850', holds: false }]);
  });

  test('a line that was left out has no verdict', () => {
    expect(goals(() => Number.NaN, 1000)).toEqual([]);
  });
});
