import { describe, expect, jest, test } from '@jest/globals';
import { createBatcher } from '../../../operator/runtime/batcher.ts';
import { defaultSettings } from '../../../operator/runtime/default-settings.ts';
import { createSettings } from '../../../operator/runtime/settings.ts';

const settingsWith = (maxRequests: number, maxWaitMs: number) => ({
  ...defaultSettings,
  batch: { maxRequests, maxWaitMs },
});

/** A receiver that doubles numbers, and what it was asked. */
function doubling(settings = createSettings(settingsWith(10, 100)), maxPending?: number) {
  const asked: (readonly [string, readonly number[]])[] = [];
  const signals: AbortSignal[] = [];
  const batcher = createBatcher<number, number>(settings, {
    send: (kind, requests, signal) => {
      asked.push([kind, requests]);
      signals.push(signal);
      return Promise.resolve(requests.map((one) => (one < 0 ? new RangeError(`${one} is negative`) : 2 * one)));
    },
    ...(maxPending === undefined ? {} : { maxPending }),
  });
  return { batcher, asked, signals, settings };
}

describe('createBatcher()', () => {
  test('sends ten requests of a kind at once, without waiting', async () => {
    const { batcher, asked } = doubling();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => batcher.ask('embed', index)));
    expect(answers).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    expect(asked).toEqual([['embed', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]]);
  });

  test('sends what there is once the first has waited long enough, each kind for itself', async () => {
    jest.useFakeTimers();
    try {
      const { batcher, asked } = doubling();
      const answers = Promise.all([batcher.ask('embed', 1), batcher.ask('rank', 2), batcher.ask('embed', 3)]);
      jest.advanceTimersByTime(99);
      expect(asked).toEqual([]);
      jest.advanceTimersByTime(1);
      expect(await answers).toEqual([2, 4, 6]);
      expect(asked).toEqual([
        ['embed', [1, 3]],
        ['rank', [2]],
      ]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('tells an error of one request to that one alone', async () => {
    const { batcher } = doubling(createSettings(settingsWith(2, 1_000)));
    const [good, bad] = await Promise.allSettled([batcher.ask('embed', 1), batcher.ask('embed', -1)]);
    expect(good).toEqual({ status: 'fulfilled', value: 2 });
    expect(bad).toMatchObject({ status: 'rejected', reason: { message: '-1 is negative' } });
  });

  test('tells everybody of a receiver that fails, or answers too little', async () => {
    const settings = createSettings(settingsWith(2, 1_000));
    for (const send of [() => Promise.reject(new Error('away')), () => Promise.resolve([1])]) {
      const batcher = createBatcher<number, number>(settings, { send });
      const [first, second] = await Promise.allSettled([batcher.ask('embed', 1), batcher.ask('embed', 2)]);
      expect([first?.status, second?.status]).toEqual(['rejected', 'rejected']);
      expect(batcher.pending).toBe(0);
    }
  });

  test('takes no list at all for no answers', async () => {
    const batcher = createBatcher<number, number>(createSettings(settingsWith(1, 1_000)), {
      send: () => Promise.resolve(JSON.parse('null') as number[]),
    });
    await expect(batcher.ask('embed', 1)).rejects.toThrow('saw 0 answers of embed; wanted one for each of 1 requests');
  });

  test('takes a new size for the next batch, without a restart', async () => {
    const { batcher, asked, settings } = doubling(createSettings(settingsWith(3, 1_000)));
    settings.set(settingsWith(2, 1_000));
    await Promise.all([1, 2, 3, 4].map((one) => batcher.ask('embed', one)));
    expect(asked.map(([, requests]) => requests.length)).toEqual([2, 2]);
  });

  test('forgets who gives up before the batch goes, and refuses who is one too many', async () => {
    const { batcher, asked } = doubling(createSettings(settingsWith(3, 5)), 2);
    const impatient = new AbortController();
    const left = batcher.ask('embed', 1, impatient.signal);
    const stayed = batcher.ask('embed', 2);
    await expect(batcher.ask('embed', 3)).rejects.toThrow('2 requests wait already');
    impatient.abort(new Error('too late'));
    await expect(left).rejects.toThrow('too late');
    expect(await stayed).toBe(4);
    expect(asked).toEqual([['embed', [2]]]);
  });

  test('fails nobody who asks after the only one of a batch has given up', async () => {
    const { batcher, asked, signals } = doubling(createSettings(settingsWith(2, 60_000)));
    const impatient = new AbortController();
    const left = batcher.ask('embed', 1, impatient.signal);
    impatient.abort(new Error('too late'));
    await expect(left).rejects.toThrow('too late');
    expect(await Promise.all([batcher.ask('embed', 2), batcher.ask('embed', 3)])).toEqual([4, 6]);
    expect(asked).toEqual([['embed', [2, 3]]]);
    expect(signals[0]?.aborted).toBe(false);
  });
});
