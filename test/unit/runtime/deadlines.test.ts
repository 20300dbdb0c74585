import { describe, expect, jest, test } from '@jest/globals';
import { createDeadlines } from '../../../operator/runtime/deadlines.ts';

describe('createDeadlines()', () => {
  test('ends the wait for what gets no answer, for all by one timer, and leaves none behind', async () => {
    jest.useFakeTimers();
    try {
      const deadlines = createDeadlines(250);
      const { within } = deadlines;
      expect(await within(Promise.resolve(1))).toBe(1);
      await expect(within(Promise.reject(new Error('refused')))).rejects.toThrow('refused');
      await jest.advanceTimersByTimeAsync(250);
      expect(jest.getTimerCount()).toBe(0); // nobody waits
      const late = Promise.withResolvers<number>();
      const waits = [within(late.promise), within(new Promise(() => undefined))].map(async (one) => one.catch(String));
      const seen: unknown[] = [];
      for (const wait of waits) void wait.then((answer) => seen.push(answer));
      expect([jest.getTimerCount(), deadlines.pending]).toEqual([1, 2]);
      await jest.advanceTimersByTimeAsync(250);
      expect(seen).toEqual([]);
      late.resolve(2);
      await jest.advanceTimersByTimeAsync(250);
      expect(seen).toEqual([2, 'Error: Command timed out']);
      await jest.advanceTimersByTimeAsync(500);
      expect([jest.getTimerCount(), deadlines.pending]).toEqual([0, 0]);
    } finally {
      jest.useRealTimers();
    }
  });
});
