import { describe, expect, test } from '@jest/globals';
import { pressureOf } from '../../../../operator/decide/optimizer/pressure.ts';
import { now, rowMs, rowsOf, rule } from './made-rows.ts';

const moment = { intervalMs: rowMs, now };
const gap = NaN;

interface Row {
  readonly name: string;
  readonly memory: readonly number[];
  readonly rule?: Partial<typeof rule>;
  readonly ageMs?: number;
  readonly saw: number | undefined;
  readonly isOver: boolean;
}

describe('pressureOf()', () => {
  test.each<Row>([
    {
      name: 'holds when the median of three rows is above the value',
      memory: [50, 101, 140, 60, 130],
      saw: 130,
      isOver: true,
    },
    { name: 'does not hold at the value itself', memory: [100, 100, 100], saw: 100, isOver: false },
    { name: 'does not hold for one odd row', memory: [90, 90, 500], saw: 90, isOver: false },
    { name: 'of two rows nothing is known', memory: [200, 200], saw: undefined, isOver: false },
    {
      name: 'with a gap among the newest three nothing is known',
      memory: [200, 200, gap, 200],
      saw: undefined,
      isOver: false,
    },
    {
      name: 'what is known no longer is not over',
      memory: [200, 200, 200],
      ageMs: 26_000,
      saw: undefined,
      isOver: false,
    },
    {
      name: 'LessThan holds below the value',
      memory: [99, 99, 99],
      rule: { operator: 'LessThan' },
      saw: 99,
      isOver: true,
    },
    {
      name: 'holds for 30s when all four medians of that time are over',
      memory: [101, 101, 101, 101, 101, 101],
      rule: { forMs: 30_000 },
      saw: 101,
      isOver: true,
    },
    {
      name: 'does not hold for 30s when it began 20s ago',
      memory: [99, 99, 101, 101, 101, 101],
      rule: { forMs: 30_000 },
      saw: 101,
      isOver: false,
    },
    {
      name: 'does not hold for longer than anything is known',
      memory: [101, 101, 101, 101],
      rule: { forMs: 30_000 },
      saw: 101,
      isOver: false,
    },
    {
      name: 'a gap within the time that it has to hold is not over',
      memory: [101, gap, 101, 101, 101, 101],
      rule: { forMs: 30_000 },
      saw: 101,
      isOver: false,
    },
  ])('$name', ({ memory, rule: changes, ageMs = 0, saw, isOver }) => {
    expect(pressureOf({ ...rule, ...changes }, rowsOf({ memory }), { ...moment, now: now + ageMs })).toEqual({
      saw,
      isOver,
    });
  });

  test('of Pods that are silent nothing is known', () => {
    const rows = rowsOf({ memory: [200, 200, 200] }, { answered: [3, 3, 0] });
    expect(pressureOf(rule, rows, moment)).toEqual({ saw: undefined, isOver: false });
  });

  test('of a metric that rows do not have nothing is known', () => {
    expect(
      pressureOf({ ...rule, metric: 'signal:mine' }, rowsOf({ memory: [200, 200, 200] }), moment).saw,
    ).toBeUndefined();
  });
});
