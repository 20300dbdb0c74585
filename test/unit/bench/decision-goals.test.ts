import { describe, expect, test } from '@jest/globals';
import { decisionGoals, type Figures, type Pair } from '../../bench/decision-goals.ts';

const good: Figures = { over: 1.6, windows: 0, hours: 15.7, changesAnHour: 6 };
const hpa: Figures = { over: 10, windows: 12, hours: 18.6, changesAnHour: 3 };
const pair = (more: Partial<Figures> = {}, trace = 'syn-step', delay = 30): Pair => ({
  trace,
  delay,
  hpa,
  lookahead: { ...good, ...more },
});
const missed = (pairs: readonly Pair[]): readonly string[] =>
  decisionGoals(pairs).flatMap(({ goal, is, holds }) => (holds ? [] : [`${goal}: ${is}`]));

describe('decisionGoals()', () => {
  test.each<{ readonly name: string; readonly pairs: readonly Pair[]; readonly expected: readonly string[] }>([
    { name: 'all hold', pairs: [pair()], expected: [] },
    { name: 'as late and as dear as may be', pairs: [pair({ over: 1.63, hours: 16 })], expected: [] },
    {
      name: 'a hundredth too late, a tenth of an hour too dear',
      pairs: [pair({ over: 1.64, hours: 16.1 })],
      expected: ['syn-step, 30 s: over % ≤ 1.63: 1.64', 'syn-step, 30 s: replica-hours ≤ 16: 16.10'],
    },
    { name: 'more is allowed where Pods start later', pairs: [pair({ over: 3.5 }, 'syn-step', 90)], expected: [] },
    {
      name: 'a load of which nothing is known: as late as the HPA, and as calm as any',
      pairs: [pair({ over: 10.01, changesAnHour: 30 }, 'other'), pair({ over: 10.03, changesAnHour: 31 }, 'other')],
      expected: ["other, 30 s: over % beyond the HPA's ≤ 0.02: 0.030", 'other, 30 s: changes an hour ≤ 30: 31.00'],
    },
  ])('$name', ({ pairs, expected }) => {
    expect(missed(pairs)).toEqual(expected);
  });

  const madeNames = ['made-step', 'made-square', 'made-flash', 'made-days', 'made-sparse'];
  const all = (over: number, hours: number): readonly Pair[] =>
    madeNames.map((trace) => pair({ over, hours }, trace, 90));
  const ofAll = (pairs: readonly Pair[]): readonly string[] =>
    decisionGoals(pairs).flatMap(({ goal }) => (goal.startsWith('5 traces') ? [goal] : []));

  test('compares with the HPA over all traces only where all of them were run', () => {
    expect(ofAll(all(1, 10))).toHaveLength(2);
    expect(ofAll(all(1, 10).slice(1))).toEqual([]);
  });

  test('a share near nothing is raised, so that its ratio is not large', () => {
    const near = all(0.15, 18.6).map((one) => ({ ...one, hpa: { ...hpa, over: 0.15 } }));
    const ratio = decisionGoals(near).find(({ goal }) => goal.startsWith("5 traces, 90 s: over ÷ the HPA's"));
    expect(ratio).toMatchObject({ is: '1.000', holds: false });
  });

  test('without figures nothing holds', () => {
    const verdicts = decisionGoals([pair({ over: NaN, hours: NaN, changesAnHour: NaN })]);
    expect(verdicts.map(({ holds }) => holds)).toEqual([false, false, false, false]);
  });
});
