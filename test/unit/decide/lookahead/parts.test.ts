import { describe, expect, test } from '@jest/globals';
import { calibrate, createCalibration, errorQuantile } from '../../../../operator/decide/lookahead/calibration.ts';
import { createCycle, noteDemand, onePeriodAgo, skipMinutes } from '../../../../operator/decide/lookahead/cycle.ts';
import { createLookaheadMemory, type Sample } from '../../../../operator/decide/lookahead/memory.ts';
import { noteThroughput } from '../../../../operator/decide/lookahead/saturation.ts';
import { noteSlots, slotsOf } from '../../../../operator/decide/lookahead/slots.ts';
import { slotsFor } from '../../../../operator/decide/lookahead/staffing.ts';
import { settings } from './settings.ts';

describe('slotsFor()', () => {
  const work = { serviceSeconds: 8, serviceCv: 0.6, slackSeconds: 13 };
  test.each([
    { name: 'nothing for nothing', offered: 0, slots: 0 },
    // Erlang C(2 slots, 1 busy) = 1/3; × exp(-1 × 13 / 5.44) = 0.031, too many; with 3: 0.091 × exp(-4.8) = 0.001
    { name: 'a share of 2 % that waits too long, for few', offered: 1, slots: 3 },
    { name: 'at most 95 % busy, for many', offered: 95, slots: 100 },
  ])('has $name', ({ offered, slots }) => {
    expect(slotsFor({ ...work, offered })).toBe(slots);
  });

  test('needs more the less a request may wait, and the more service times vary', () => {
    const base = slotsFor({ ...work, offered: 20 });
    expect(slotsFor({ ...work, offered: 20, slackSeconds: 1 })).toBeGreaterThan(base);
    expect(slotsFor({ ...work, offered: 20, slackSeconds: 1, serviceCv: 3 })).toBeGreaterThan(
      slotsFor({ ...work, offered: 20, slackSeconds: 1 }),
    );
  });
});

describe('slots that nobody has declared', () => {
  const learning = { ...settings, learnsSlots: true };
  /** Windows of 10 s on `ready` Pods with so many busy slots each. */
  const seen = (windows: number, busy: (window: number) => number, rest: Partial<Sample> = {}): number => {
    const memory = createLookaheadMemory(learning);
    for (let window = 0; window < windows; window++) {
      const ready = rest.ready ?? 4;
      const sample = { arrived: 20, finished: 20, waiting: 5, asked: 4, startUpSeconds: 30, ...rest, ready };
      const full = { ...sample, busySeconds: busy(window) * 10 * ready };
      const believed = { periodSeconds: 10, slotsPerReplica: slotsOf(memory, learning) };
      noteSlots(memory, full, believed);
      noteThroughput(memory.throughputs, full, window, believed);
    }
    return slotsOf(memory, learning);
  };
  test.each([
    { name: 'as many as are busy while requests wait', slots: seen(20, () => 2.95), is: 3 },
    {
      name: 'those of the fullest windows, as Pods are not loaded alike',
      slots: seen(60, (at) => 6 + (at % 3)),
      is: 8,
    },
    { name: 'what is usual before twelve windows have shown it', slots: seen(12, () => 2.95), is: 5 },
    { name: 'what is usual while nothing waits', slots: seen(60, () => 2, { waiting: 0 }), is: 5 },
    { name: 'more where more are busy, though nothing waits', slots: seen(60, () => 9, { waiting: 0 }), is: 9 },
    {
      name: 'what is usual where more seem busy and nobody says how many of them wait',
      slots: seen(60, () => 60, { waiting: 0, isWaitingUnknown: true }),
      is: 5,
    },
    { name: 'one at least', slots: seen(60, () => 0.2), is: 1 },
  ])('are $name', ({ slots, is }) => {
    expect(slots).toBe(is);
  });

  test('are those that are declared where somebody does', () => {
    expect(slotsOf({ slotsSeen: { busy: [], slots: 9 } }, settings)).toBe(5);
  });
});

describe('a calibration', () => {
  test('begins with the headroom of an autoscaler at 70 %', () => {
    expect(Math.exp(errorQuantile(createCalibration(), 0.8))).toBeCloseTo(1 / 0.7, 1);
  });

  test('knows the quantile of what it was told, to a bin', () => {
    const calibration = createCalibration();
    for (let round = 0; round < 2_000; round++) calibrate(calibration, (round % 100) / 100, 1);
    for (const share of [0.2, 0.8, 0.5, 0.95]) {
      const found = errorQuantile(calibration, share);
      expect(Math.abs(found - share)).toBeLessThan(0.051);
    }
  });

  test('forgets: half the weight goes within a half-life, over any number of them', () => {
    const calibration = createCalibration();
    for (let round = 0; round < 30_000; round++) calibrate(calibration, 3, 2 ** (1 / 20));
    for (let round = 0; round < 20; round++) calibrate(calibration, -1, 2 ** (1 / 20));
    expect(errorQuantile(calibration, 0.45)).toBeLessThan(-0.9);
    expect(errorQuantile(calibration, 0.55)).toBeGreaterThan(2.9);
  });
});

describe('a cycle', () => {
  const told = (minutes: number, load: (minute: number) => number) => {
    const cycle = createCycle();
    for (let minute = 0; minute < minutes; minute++) noteDemand(cycle, load(minute), 1);
    return cycle;
  };
  const square = (minute: number): number => (minute % 20 < 8 ? 50 : 10);

  test('is found where the load repeats, and says what comes', () => {
    const cycle = told(200, square);
    expect(cycle.period).toBe(20);
    expect(onePeriodAgo(cycle, 1)).toBe(50); // minute 200 is the first of eight
    expect(onePeriodAgo(told(212, square), 2)).toBe(10);
  });

  test('is found as well once older minutes have left', () => {
    expect(told(5_000, square).period).toBe(20);
    expect(told(5_000, (minute) => 1e6 + square(minute)).period).toBe(20);
  });

  test('is not found in noise, in a constant or before three periods', () => {
    let state = 1;
    const noise = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    expect(told(1_200, noise).period).toBe(0);
    expect(told(1_200, () => 7).period).toBe(0);
    expect(told(50, square).period).toBe(0);
  });

  test('stays in step over minutes that nobody saw', () => {
    const cycle = told(200, square);
    skipMinutes(cycle, 20);
    for (let minute = 220; minute < 400; minute++) noteDemand(cycle, square(minute), 1);
    expect(cycle.period).toBe(20);
  });

  test('has of a minute what is known of it, and of one that is not the minute before', () => {
    const cycle = createCycle();
    const unknown = undefined;
    for (const demand of [unknown, unknown, 10, 20, unknown, 30, unknown, unknown, 40, 50])
      noteDemand(cycle, demand, 2);
    expect([...cycle.minutes.subarray(0, cycle.length)]).toEqual([15, 30, 30, 45]); // nothing was before the first two
  });
});
