import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { burnWindows } from '../../../operator/decide/burn.ts';
import { createRollUps, type RollUps, type States } from '../../../operator/metrics/roll-ups.ts';

const start = Date.UTC(2026, 0, 1);
const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const met: States = [{ name: 'Memory', state: 'Met' }];
const notMet: States = [{ name: 'Memory', state: 'NotMet' }];
const over = (rollUps: RollUps, windowMs: number, now: number) => {
  const { metSeconds, notMetSeconds } = rollUps.over('Memory', windowMs, now);
  return [metSeconds, notMetSeconds];
};

describe('createRollUps()', () => {
  test('counts the time between two looks, over the ends of minutes and hours', () => {
    const rollUps = createRollUps(day);
    rollUps.count(met, start + 59 * minute + 30 * second, start + hour + 90 * second); // 30 s of the old hour, 90 of the new
    rollUps.count(notMet, start + hour + 90 * second, start + hour + 100 * second);
    const now = start + hour + 100 * second;
    expect(over(rollUps, 5 * minute, now)).toEqual([120, 10]);
    expect(over(rollUps, day, now)).toEqual([120, 10]);
    expect(rollUps.countedUntil).toBe(now);
  });

  test('what was Unknown or NotExercised is in neither of the two', () => {
    const rollUps = createRollUps(day);
    rollUps.count([{ name: 'Memory', state: 'Unknown' }], start, start + minute);
    rollUps.count([{ name: 'Memory', state: 'NotExercised' }], start + minute, start + 2 * minute);
    expect(over(rollUps, hour, start + 2 * minute)).toEqual([0, 0]);
  });

  test('forgets what the window has passed over, a bucket later at most', () => {
    const rollUps = createRollUps(day);
    rollUps.count(notMet, start, start + minute);
    const five = 5 * minute;
    expect(over(rollUps, five, start + minute + five - second)).toEqual([0, 60]);
    expect(over(rollUps, five, start + minute + five)).toEqual([0, 0]);
    expect(over(rollUps, day, start + day + hour - second)).toEqual([0, 60]);
    expect(over(rollUps, day, start + day + hour)).toEqual([0, 0]);
  });

  test('a place that is used again has nothing of the hour before it', () => {
    const rollUps = createRollUps(2 * hour); // three buckets
    rollUps.count(notMet, start, start + 10 * hour);
    rollUps.count(met, start + 40 * hour, start + 40 * hour + minute);
    expect(over(rollUps, 2 * hour, start + 40 * hour + minute)).toEqual([60, 0]);
  });

  test('a clock that was set back counts no second twice', () => {
    const rollUps = createRollUps(day);
    rollUps.count(met, start, start + 50 * second);
    rollUps.count(met, start + 10 * second, start + 50 * second);
    expect(over(rollUps, hour, start + minute)[0]).toBeLessThanOrEqual(60);
  });

  test('objectives are counted apart', () => {
    const rollUps = createRollUps(day);
    rollUps.count([...met, { name: 'SuccessRatio', state: 'NotMet' }], start, start + minute);
    expect(rollUps.over('SuccessRatio', hour, start + minute)).toMatchObject({ metSeconds: 0, notMetSeconds: 60 });
    expect(over(rollUps, hour, start + minute)).toEqual([60, 0]);
  });

  test('takes 2.5 kB for three days and 18 kB for thirty', () => {
    expect(createRollUps(3 * day).bytes).toBe(61 * 12 + 73 * 24);
    expect(createRollUps(30 * day).bytes).toBe(61 * 12 + 721 * 24);
  });
});

describe('save()', () => {
  test('writes what was judged, run by run', () => {
    const rollUps = createRollUps(day);
    rollUps.count(met, start, start + 3 * hour);
    rollUps.count(notMet, start + 3 * hour, start + 3 * hour + 90 * second);
    expect(rollUps.save()).toEqual({
      countedUntil: (start + 3 * hour + 90 * second) / 1_000,
      minutes: { Memory: '59*60 0/60 0/30' },
      hours: { Memory: '3*3600 0/90' },
    });
  });

  test('also after two looks within one second', () => {
    const rollUps = createRollUps(day);
    rollUps.count(met, start, start + 45 * minute);
    rollUps.count(met, start + 45 * minute, start + 45 * minute);
    const now = start + 46 * minute;
    expect(over(createRollUps(day, rollUps.save()), 5 * minute, now)).toEqual(over(rollUps, 5 * minute, now));
  });

  const looks = fc.array(
    fc.record({
      state: fc.constantFrom('Met' as const, 'NotMet' as const, 'Unknown' as const),
      lengthMs: fc.integer({ min: 0, max: 5 * hour }),
    }),
    { maxLength: 40 },
  );
  test('and what is read again says the same of every window', () => {
    fc.assert(
      fc.property(looks, (all) => {
        const rollUps = createRollUps(3 * day);
        let now = start;
        for (const { state, lengthMs } of all) {
          rollUps.count([{ name: 'Memory', state }], now, now + lengthMs);
          now += lengthMs;
        }
        const again = createRollUps(3 * day, rollUps.save());
        for (const windowMs of Object.values(burnWindows))
          expect(again.over('Memory', windowMs, now + minute)).toEqual(rollUps.over('Memory', windowMs, now + minute));
      }),
    );
  });

  test('what was broken by hand is as if it were not there, and no bucket holds more than its length', () => {
    const broken = createRollUps(day, {
      countedUntil: start / 1_000,
      minutes: { Memory: '9999*9999/9999' },
      hours: { Memory: '3600 ?' },
    });
    expect(over(broken, day, start)).toEqual([0, 0]);
    expect(over(broken, 5 * minute, start)).toEqual([300, 300]);
  });

  test('a longer window takes over what a shorter one has kept', () => {
    const short = createRollUps(3 * day);
    short.count(met, start, start + hour);
    const long = createRollUps(30 * day, short.save());
    expect(over(long, 30 * day, start + 10 * day)).toEqual([3_600, 0]);
  });
});
