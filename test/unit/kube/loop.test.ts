import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { refusal } from '../../../operator/kube/api-error.ts';
import { awaitChange, requeueAfter, startLoop, type LoopOptions } from '../../../operator/kube/loop.ts';
import { createQueue } from '../../../operator/kube/queue.ts';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A loop on a queue of its own, and what it counted. */
function run(reconcile: LoopOptions['reconcile'], options: Partial<LoopOptions> = {}) {
  const queue = createQueue({ name: 'test', backoff: { baseMs: 100, capMs: 1000 }, random: () => 0 });
  const stop = new AbortController();
  const results: string[] = [];
  const metrics = { reconciled: (_: string, result: string) => results.push(result) };
  const loop = startLoop({ name: 'test', queue, reconcile, logger: silent, metrics, ...options }, stop.signal);
  return { queue, loop, results, stop: () => stop.abort(new Error('stopped')) };
}
const forever = () => new Promise<never>(() => undefined);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a loop', () => {
  test('reconciles at most as many keys at a time as it may, and all of them', async () => {
    let running = 0;
    let most = 0;
    const { queue, loop, results, stop } = run(
      async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 10));
        running -= 1;
        return awaitChange;
      },
      { concurrency: 3 },
    );
    for (let at = 0; at < 10; at += 1) queue.add(`key-${at}`);
    await jest.advanceTimersByTimeAsync(100);
    expect(most).toBe(3);
    expect(results).toEqual(Array.from({ length: 10 }, () => 'success'));
    stop();
    await loop.ended;
  });

  test('comes back when it was asked to, or after a failure', async () => {
    const seen: string[] = [];
    const { queue, loop, results, stop } = run(async (key) => {
      seen.push(key);
      if (key === 'bad' && seen.filter((other) => other === 'bad').length === 1) throw new Error('not yet');
      return key === 'due' && seen.length < 3 ? requeueAfter(1000) : awaitChange;
    });
    queue.add('due');
    queue.add('bad');
    await jest.advanceTimersByTimeAsync(60);
    expect(seen).toEqual(['due', 'bad', 'bad']); // 50 ms of back-off
    await jest.advanceTimersByTimeAsync(1000);
    expect(seen).toEqual(['due', 'bad', 'bad', 'due']);
    expect(results).toEqual(['requeued', 'error', 'success', 'success']);
    stop();
    await loop.ended;
  });

  test('warns of a failure, but for what happens where several write or a namespace goes: that is only tried again', async () => {
    const warned: unknown[] = [];
    const refused = (status: number, reason: string, causes: readonly object[] = []) =>
      refusal({ verb: 'update', target: 'a' }, { status, body: { kind: 'Status', reason, details: { causes } } });
    const failures = [
      refused(409, 'Conflict'),
      refused(403, 'Forbidden', [{ reason: 'NamespaceTerminating' }]),
      refused(403, 'Forbidden'),
      new Error('a bug'),
    ];
    const logger = { ...silent, warn: (_: string, fields?: object) => void warned.push(fields) };
    const { queue, loop, results, stop } = run(
      () => {
        const failure = failures.shift();
        return failure === undefined ? Promise.resolve(awaitChange) : Promise.reject(failure);
      },
      { logger },
    );
    const [, , forbidden, bug] = failures;
    queue.add('a');
    await jest.advanceTimersByTimeAsync(5000);
    expect(warned).toMatchObject([{ error: forbidden }, { error: bug }]);
    expect(results).toEqual(['error', 'error', 'error', 'error', 'success']);
    stop();
    await loop.ended;
  });

  test('aborts a reconcile at its time-out, and gives its place but not its key to others when it does not heed that', async () => {
    const seen: string[] = [];
    const { queue, loop, stop } = run(
      async (key, signal) => {
        seen.push(key);
        if (key !== 'hangs') return awaitChange;
        expect(signal.aborted).toBe(false);
        return forever();
      },
      { concurrency: 2, timeoutMs: 500 },
    );
    queue.add('hangs');
    await jest.advanceTimersByTimeAsync(2000);
    expect([...loop.stuck]).toEqual(['hangs']);
    expect(loop.isAlive()).toBe(true);
    for (const key of ['hangs', 'other', 'another']) queue.add(key);
    await jest.advanceTimersByTimeAsync(10);
    expect(seen).toEqual(['hangs', 'other', 'another']);
    stop();
    await loop.ended;
  });

  test('counts a time-out that was heeded, and retries', async () => {
    let attempts = 0;
    const { queue, loop, results, stop } = run(
      async (_, signal) => {
        attempts += 1;
        if (attempts > 1) return awaitChange;
        return new Promise<never>((__, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      { timeoutMs: 500 },
    );
    queue.add('a');
    await jest.advanceTimersByTimeAsync(1000);
    expect(results).toEqual(['timeout', 'success']);
    stop();
    await loop.ended;
  });

  test('is not alive when as many reconciles are stuck as may run', async () => {
    const { queue, loop, stop } = run(forever, { concurrency: 2, timeoutMs: 500 });
    for (const key of ['a', 'b']) queue.add(key);
    await jest.advanceTimersByTimeAsync(2000);
    expect(loop.isAlive()).toBe(false);
    stop();
    await loop.ended;
  });

  test('lets what runs end before it stops, takes nothing new, and aborts what takes too long', async () => {
    const ended: string[] = [];
    const { queue, loop, stop } = run(
      async (key, signal) => {
        if (key === 'slow') await new Promise((resolve) => signal.addEventListener('abort', resolve));
        else await new Promise((resolve) => setTimeout(resolve, 100));
        ended.push(key);
        return awaitChange;
      },
      { drainMs: 1000 },
    );
    for (const key of ['quick', 'slow']) queue.add(key);
    await jest.advanceTimersByTimeAsync(10);
    stop();
    queue.add('late');
    await jest.advanceTimersByTimeAsync(500);
    expect(ended).toEqual(['quick']);
    await jest.advanceTimersByTimeAsync(600);
    await loop.ended;
    expect(ended).toEqual(['quick', 'slow']);
    expect(queue.depth).toBe(1);
  });
});
