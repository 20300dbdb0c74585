import { describe, expect, test } from '@jest/globals';
import { atMeanLoad, effectOf } from '../../../../operator/decide/optimizer/placebo.ts';
import { bounds, noises, ratesOf } from '../../../bench/noises.ts';
import { around, same } from './made-rows.ts';

const spans = { window: 12, settle: 6 };

describe('effectOf()', () => {
  test('expects of a steady metric what it was, and tells how far chance moves it', () => {
    const effect = effectOf({ history: around(100, 5, 720), after: around(80, 5, 12, 9), spans });
    expect(effect?.expected).toBeCloseTo(100, -0.5);
    expect(effect?.after).toBeLessThan((effect?.expected ?? 0) + (effect?.errors.p1 ?? 0));
    const { p1 = 0, p5 = 0, p95 = 0, p99 = 0 } = effect?.errors ?? {};
    expect([p1, p5, p95, p99]).toEqual([p1, p5, p95, p99].toSorted((a, b) => a - b));
    expect(p95 - p5).toBeLessThan(10);
  });

  test('expects of a metric that is high by chance to fall back, and of one that grows to go on', () => {
    const high = [...around(100, 5, 708), ...around(115, 5, 12, 3)];
    expect(effectOf({ history: high, after: same(100, 12), spans })?.expected).toBeLessThan(107);
    const growing = around(0, 1, 720).map((noise, row) => row + noise);
    expect(effectOf({ history: growing, after: same(732, 12), spans })?.expected).toBeGreaterThan(725);
  });

  test.each([
    { name: 'before', history: [...around(100, 5, 714), ...same(NaN, 6)], after: same(100, 12) },
    { name: 'after', history: around(100, 5, 720), after: [...same(100, 6), ...same(NaN, 6)] },
    { name: 'the history', history: around(100, 5, 50), after: same(100, 12) },
  ])('says nothing where too little is known of $name', ({ history, after }) => {
    expect(effectOf({ history, after, spans })).toBeUndefined();
  });

  test('goes past some gaps', () => {
    const history = around(100, 5, 720).map((value, row) => (row % 10 === 0 ? NaN : value));
    expect(effectOf({ history, after: same(80, 12), spans })).toMatchObject({ known: 648 });
  });
});

describe('atMeanLoad()', () => {
  const loads = around(50, 20, 300);
  test('takes out what a load explains', () => {
    const values = loads.map((load) => 10 + 2 * load);
    const level = atMeanLoad(values, loads)(values, loads);
    expect(Math.max(...level) - Math.min(...level)).toBeLessThan(1e-6);
  });
  test('leaves alone what no load explains', () => {
    const values = around(100, 5, 300, 7);
    expect(atMeanLoad(values, loads)(values, loads)).toEqual(values);
  });
});

/** Fewer runs than in `make bench-decisions`, which holds the bounds themselves: two and a half standard errors of a share are granted. */
const runs = 60;
const granted = (share: number): number => 2.5 * Math.sqrt((share * (1 - share)) / runs);
const windows = { history: 720, ...spans };

describe('how often an action is judged wrongly', () => {
  test.each(noises)('an action that does nothing, over $name', (noise) => {
    const { improved, worse } = ratesOf(noise, windows, { effect: 0, runs });
    expect(improved).toBeLessThanOrEqual(bounds.falseImproved + granted(bounds.falseImproved));
    expect(worse).toBeLessThanOrEqual(bounds.falseWorse + granted(bounds.falseWorse));
  });
  test.each(bounds.power)('an action that helps by $effect sd, over $noise', ({ noise, effect, least }) => {
    for (const one of noises.filter(({ name }) => name === noise))
      expect(ratesOf(one, windows, { effect, runs }).improved).toBeGreaterThanOrEqual(least - granted(least));
  });
});
