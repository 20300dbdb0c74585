import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createQueue, type Queue } from '../../../operator/kube/queue.ts';

const never = new AbortController().signal;
const open = () => createQueue({ name: 'test', backoff: { baseMs: 100, capMs: 1000 }, random: () => 0 });

/** All keys that can be had now, in their order; they stay taken. */
async function takeAll(queue: Queue): Promise<readonly string[]> {
  const keys: string[] = [];
  while (queue.depth > 0) keys.push(await queue.take(never));
  return keys;
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a queue', () => {
  test('gives each key once, in the order in which it came', async () => {
    const queue = open();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(await takeAll(queue)).toEqual(['a', 'b', 'c']);
  });

  test('gives a key that was added while it was worked on again, but only after it is done', async () => {
    const queue = open();
    queue.add('a');
    await queue.take(never);
    for (let times = 0; times < 100; times += 1) queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(await takeAll(queue)).toEqual(['a']);
    queue.done('a');
    expect(queue.depth).toBe(0);
  });

  test('gives fresh keys before those that are due, and lets a due key become fresh', async () => {
    const queue = open();
    for (const key of ['late', 'later']) queue.addAfter(key, 10);
    await jest.advanceTimersByTimeAsync(20);
    for (const key of ['fresh', 'later']) queue.add(key);
    expect(await takeAll(queue)).toEqual(['fresh', 'later', 'late']);
  });

  test('lets no due key starve: it comes after at most sixteen fresh ones', async () => {
    const queue = open();
    queue.addAfter('late', 10);
    await jest.advanceTimersByTimeAsync(20);
    for (let at = 0; at < 100; at += 1) queue.add(`fresh-${at}`);
    expect((await takeAll(queue)).indexOf('late')).toBe(16);
  });

  test('keeps the earlier of two appointments, and none after a run', async () => {
    const queue = open();
    queue.addAfter('a', 50);
    queue.addAfter('a', 500);
    await jest.advanceTimersByTimeAsync(60);
    expect(await takeAll(queue)).toEqual(['a']);
    queue.done('a');
    queue.addAfter('a', 100);
    queue.add('a');
    await queue.take(never);
    queue.done('a');
    await jest.advanceTimersByTimeAsync(10_000);
    expect(queue.depth).toBe(0);
  });

  test('holds one timer for any number of appointments, and none when nothing is due', async () => {
    const queue = open();
    for (let at = 0; at < 1000; at += 1) queue.addAfter(`key-${at}`, 1000 - at);
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(2000);
    expect(queue.depth).toBe(1000);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('waits longer after each failure, and anew after a success', async () => {
    const queue = open();
    const delays: number[] = [];
    queue.add('a');
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      await queue.take(never);
      const delay = queue.retry('a');
      delays.push(delay);
      await jest.advanceTimersByTimeAsync(delay - 1);
      expect(queue.depth).toBe(0);
      await jest.advanceTimersByTimeAsync(5);
      expect(queue.depth).toBe(1);
    }
    expect(delays).toEqual([50, 100, 200, 400, 500, 500]); // half of 100, 200, … 1000: the other half is chance
    await queue.take(never);
    queue.done('a');
    queue.add('a');
    await queue.take(never);
    expect(queue.retry('a')).toBe(50);
  });

  test('hands a key to who waits for one, and nothing to who gave up', async () => {
    const queue = open();
    const impatient = new AbortController();
    const gaveUp = queue.take(impatient.signal);
    const waiting = queue.take(never);
    impatient.abort(new Error('enough'));
    queue.add('a');
    await expect(gaveUp).rejects.toThrow('enough');
    await expect(waiting).resolves.toBe('a');
    await expect(queue.take(AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  });

  test('tells its depth and how long keys waited', async () => {
    const depths: number[] = [];
    const waits: number[] = [];
    const metrics = {
      depth: (_: string, keys: number) => depths.push(keys),
      waited: (_: string, s: number) => waits.push(s),
    };
    const queue = createQueue({ name: 'test', metrics });
    queue.add('a');
    await jest.advanceTimersByTimeAsync(3000);
    await queue.take(never);
    expect(depths).toEqual([0, 1, 0]);
    expect(waits).toEqual([3]);
  });

  test('does not take back what it did not give', () => {
    expect(() => open().done('a')).toThrow('saw a given back to queue test');
  });
});
