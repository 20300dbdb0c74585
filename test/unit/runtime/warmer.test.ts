import { describe, expect, jest, test } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createCoAccess } from '../../../operator/runtime/co-access.ts';
import { defaultSettings } from '../../../operator/runtime/default-settings.ts';
import { createSettings } from '../../../operator/runtime/settings.ts';
import { createWarmer } from '../../../operator/runtime/warmer.ts';

describe('createCoAccess()', () => {
  test('knows what was read in the same sessions, most often first, and nothing of others', () => {
    const seen = createCoAccess();
    for (const session of ['1', '2', '3']) for (const key of ['a', 'b']) seen.note(session, key);
    for (const key of ['a', 'c']) seen.note('4', key);
    seen.note('5', 'z');
    expect(seen.related('a')).toEqual(['b', 'c']);
    expect(seen.related('b')).toEqual(['a']);
    expect(seen.related('z')).toEqual([]);
    expect(seen.related('never')).toEqual([]);
  });
  test('keeps of endless keys and sessions only so many, and what is read often', () => {
    const seen = createCoAccess();
    for (let turn = 0; turn < 7_000; turn += 1) {
      seen.note(`s${turn}`, 'hot');
      seen.note(`s${turn}`, 'its companion');
      seen.note(`s${turn}`, `once ${turn}`);
    }
    expect(seen.related('hot')[0]).toBe('its companion');
    expect(seen.related('hot').length).toBeLessThanOrEqual(8);
    expect(seen.related('once 1')).toEqual([]); // long forgotten
  });
});

describe('createWarmer()', () => {
  const settingsWith = (warming: { hotAfterReads: number; maxPerSecond: number }) =>
    createSettings({ ...defaultSettings, cache: { ...defaultSettings.cache, warming } });
  const warming = (settings = settingsWith({ hotAfterReads: 10, maxPerSecond: 50 })) => {
    const keys: string[] = [];
    const warmer = createWarmer(settings, (key) => Promise.resolve(keys.push(key)));
    return { keys, warmer, settings };
  };

  test('warms what was read with a key once that was read an eleventh time, and once', () => {
    const { keys, warmer } = warming();
    for (let turn = 0; turn < 10; turn += 1) for (const key of ['a', 'b']) warmer.note(`s${turn}`, key);
    expect(keys).toEqual([]);
    warmer.note('later', 'a');
    expect(keys).toEqual(['b']);
    warmer.note('later', 'a');
    expect(keys).toEqual(['b']);
  });
  test('takes other figures over while it runs', () => {
    const { keys, warmer, settings } = warming(settingsWith({ hotAfterReads: 1_000, maxPerSecond: 50 }));
    for (let turn = 0; turn < 5; turn += 1) for (const key of ['a', 'b']) warmer.note(`s${turn}`, key);
    const { cache } = settings.current;
    settings.set({ ...settings.current, cache: { ...cache, warming: { hotAfterReads: 5, maxPerSecond: 50 } } });
    warmer.note('later', 'a');
    expect(keys).toEqual(['b']);
  });
  test('warms nothing made up: a key that was read alone has no companions', () => {
    const { keys, warmer } = warming();
    for (let turn = 0; turn < 50; turn += 1) warmer.note(`s${turn}`, 'alone');
    expect(keys).toEqual([]);
  });
  test.each([0, 3])('warms at most %s keys in a second', (maxPerSecond) => {
    const { keys, warmer } = warming(settingsWith({ hotAfterReads: 1, maxPerSecond }));
    for (let turn = 0; turn < 20; turn += 1) for (const key of [`a${turn}`, `b${turn}`]) warmer.note(`s${turn}`, key);
    for (let turn = 0; turn < 20; turn += 1) warmer.note(`again ${turn}`, `a${turn}`);
    expect(keys).toHaveLength(maxPerSecond);
  });
  test('warms at most so many in any second, wherever that begins', () => {
    jest.useFakeTimers();
    try {
      const { keys, warmer } = warming(settingsWith({ hotAfterReads: 1, maxPerSecond: 3 }));
      for (let turn = 0; turn < 9; turn += 1) for (const key of [`a${turn}`, `b${turn}`]) warmer.note(`s${turn}`, key);
      const warmedAt = (ms: number, turns: readonly number[]): number => {
        jest.advanceTimersByTime(ms - performance.now());
        for (const turn of turns) warmer.note(`again ${turn}`, `a${turn}`);
        return keys.length;
      };
      const start = performance.now() + 1;
      expect(warmedAt(start, [0])).toBe(1);
      expect(warmedAt(start + 900, [1, 2])).toBe(3);
      expect(warmedAt(start + 999, [3, 4])).toBe(3);
      expect(warmedAt(start + 1_000, [5, 6])).toBe(4); // in the place of the first alone
      expect(warmedAt(start + 1_900, [7, 8])).toBe(6);
    } finally {
      jest.useRealTimers();
    }
  });
  test('is not stopped by what is thrown at once', async () => {
    const warmer = createWarmer(settingsWith({ hotAfterReads: 1, maxPerSecond: 50 }), () => {
      throw new Error('at once');
    });
    for (const session of ['1', '2']) for (const key of ['a', 'b']) warmer.note(session, key);
    expect(await warmer.warmPopular()).toBe(0);
    expect(warmer.warmed).toBe(0);
  });
  test('warms what was read most often when asked to, no more than a second allows', async () => {
    const { keys, warmer } = warming(settingsWith({ hotAfterReads: 100, maxPerSecond: 2 }));
    for (const [key, reads] of [
      ['seldom', 1],
      ['often', 3],
      ['at times', 2],
    ] as const)
      for (let turn = 0; turn < reads; turn += 1) warmer.note(`${key} ${turn}`, key);
    expect(await warmer.warmPopular()).toBe(2);
    expect(keys).toEqual(['often', 'at times']);
    expect(await warmer.warmPopular()).toBe(0);
  });
  test('counts as warmed what has arrived', async () => {
    const warmer = createWarmer(settingsWith({ hotAfterReads: 100, maxPerSecond: 50 }), (key) =>
      key === 'gone' ? Promise.reject(new Error('away')) : Promise.resolve(),
    );
    for (const key of ['there', 'gone']) warmer.note('session', key);
    expect(await warmer.warmPopular()).toBe(1);
    expect(warmer.warmed).toBe(1);
  });
  test('tries a key again whose warming has failed', async () => {
    let tries = 0;
    const warmer = createWarmer(settingsWith({ hotAfterReads: 1, maxPerSecond: 50 }), () => {
      tries += 1;
      return Promise.reject(new Error('away'));
    });
    for (const session of ['1', '2']) for (const key of ['a', 'b']) warmer.note(session, key);
    await nextTurn();
    const before = tries;
    warmer.note('3', 'a');
    expect(tries).toBeGreaterThan(before);
  });
});
