import { describe, expect, jest, test } from '@jest/globals';
import { createDeadlines } from '../../../operator/runtime/deadlines.ts';

/** No other timer's. */
const everyMs = 257;

describe('createDeadlines()', () => {
  test('ends the wait for what gets no answer, for all by one timer, and leaves none behind', async () => {
    jest.useFakeTimers();
    const set = jest.spyOn(globalThis, 'setTimeout');
    try {
      const deadlines = createDeadlines(everyMs);
      const started = (): number => set.mock.calls.filter(([, ms]) => ms === everyMs).length; // what else runs in this process has timers too
      const { within } = deadlines;
      expect(await within(Promise.resolve(1))).toBe(1);
      await expect(within(Promise.reject(new Error('refused')))).rejects.toThrow('refused');
      await jest.advanceTimersByTimeAsync(2 * everyMs);
      expect(started()).toBe(1); // nobody waits
      const late = Promise.withResolvers<number>();
      const waits = [within(late.promise), within(new Promise(() => undefined))].map(async (one) => one.catch(String));
      const seen: unknown[] = [];
      for (const wait of waits) void wait.then((answer) => seen.push(answer));
      expect([started(), deadlines.pending]).toEqual([2, 2]);
      await jest.advanceTimersByTimeAsync(everyMs);
      expect(seen).toEqual([]);
      late.resolve(2);
      await jest.advanceTimersByTimeAsync(everyMs);
      expect(seen).toEqual([2, 'Error: Command timed out']);
      await jest.advanceTimersByTimeAsync(2 * everyMs);
      expect([started(), deadlines.pending]).toEqual([3, 0]);
    } finally {
      set.mockRestore();
      jest.useRealTimers();
    }
  });
});
