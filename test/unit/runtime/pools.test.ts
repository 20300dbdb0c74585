import { describe, expect, test } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { defaultSettings } from '../../../operator/runtime/default-settings.ts';
import { openPools } from '../../../operator/runtime/pools.ts';
import { createSettings } from '../../../operator/runtime/settings.ts';

const settingsWith = (pools: Readonly<Record<string, number>>) => ({ ...defaultSettings, pools });

/** Tasks that end when they are told to, and how many of them there were at once. */
function stage() {
  const ends: (() => void)[] = [];
  let [running, most] = [0, 0];
  return {
    task: async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.push(resolve);
      await promise;
      running -= 1;
    },
    endAll: async (until: Promise<unknown>) => {
      const over = until.then(() => 'over');
      while ((await Promise.race([over, nextTurn('on')])) !== 'over') ends.shift()?.();
    },
    get most() {
      return most;
    },
    get running() {
      return running;
    },
  };
}

describe('openPools()', () => {
  test('runs of a hundred calls never more than the five of ai_api, in the order in which they came', async () => {
    using pools = openPools(createSettings(defaultSettings));
    const pool = pools.of('ai_api');
    const tasks = stage();
    const order: number[] = [];
    const all = Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        pool.run(() => {
          order.push(index);
          return tasks.task();
        }),
      ),
    );
    expect([pool.limit, pool.running, pool.queued]).toEqual([5, 5, 95]);
    await tasks.endAll(all);
    expect(tasks.most).toBe(5);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect([pool.running, pool.queued]).toEqual([0, 0]);
  });

  test('gives a limit that grows to who waits already, and lets one that shrinks come true as tasks end', async () => {
    const settings = createSettings(settingsWith({ io: 2 }));
    using pools = openPools(settings);
    const pool = pools.of('io');
    const tasks = stage();
    const all = Promise.all(Array.from({ length: 10 }, () => pool.run(tasks.task)));
    expect(tasks.running).toBe(2);
    settings.set(settingsWith({ io: 4 }));
    expect(tasks.running).toBe(4);
    settings.set(settingsWith({ io: 1 }));
    expect(pool.limit).toBe(1);
    await tasks.endAll(all);
    expect(tasks.most).toBe(4);
  });

  test('lets who gives up leave the queue at once, and nobody overtake', async () => {
    using pools = openPools(createSettings(settingsWith({ io: 1 })));
    const pool = pools.of('io');
    const tasks = stage();
    const first = pool.run(tasks.task);
    const impatient = new AbortController();
    let begun = false;
    const second = pool.run(() => {
      begun = true;
      return tasks.task();
    }, impatient.signal);
    const third = pool.run(tasks.task);
    impatient.abort(new Error('too late'));
    await expect(second).rejects.toThrow('too late');
    expect(pool.queued).toBe(1);
    await tasks.endAll(Promise.all([first, third]));
    expect([tasks.most, begun, pool.queued]).toEqual([1, false, 0]);
  });

  test('lets a whole crowd give up, from the middle and the ends, and the rest keep their order', async () => {
    using pools = openPools(createSettings(settingsWith({ io: 1 })));
    const pool = pools.of('io');
    const tasks = stage();
    const order: number[] = [];
    const impatient = new AbortController();
    const runs = Array.from({ length: 9 }, (_, index) =>
      pool.run(
        () => {
          order.push(index);
          return tasks.task();
        },
        index % 2 === 1 || index === 8 ? impatient.signal : new AbortController().signal,
      ),
    );
    const all = Promise.allSettled(runs);
    impatient.abort(new Error('too late'));
    expect(pool.queued).toBe(3);
    await tasks.endAll(all);
    expect({ order, queued: pool.queued }).toEqual({ order: [0, 2, 4, 6], queued: 0 });
  });

  test('keeps the place of a task that was told to end and has not ended', async () => {
    using pools = openPools(createSettings(settingsWith({ io: 1 })));
    const pool = pools.of('io');
    const tasks = stage();
    const told = new AbortController();
    const deaf = pool.run(tasks.task, told.signal); // heeds no signal
    const next = pool.run(tasks.task);
    told.abort();
    await nextTurn();
    expect([tasks.running, pool.queued]).toEqual([1, 1]);
    await tasks.endAll(Promise.all([deaf, next]));
    expect(tasks.most).toBe(1);
  });

  test('throws what a task throws that had to wait with a signal, also at once, and goes on', async () => {
    using pools = openPools(createSettings(settingsWith({ io: 1 })));
    const pool = pools.of('io');
    const { signal } = new AbortController();
    const answers = Promise.allSettled([
      pool.run(() => Promise.resolve(1), signal),
      pool.run(() => Promise.reject(new Error('broken')), signal),
      pool.run(() => {
        throw new Error('broken at once');
      }, signal),
      pool.run(() => Promise.resolve(4), signal),
    ]);
    expect(
      (await answers).map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message)),
    ).toEqual([1, 'broken', 'broken at once', 4]);
    expect([pool.running, pool.queued]).toEqual([0, 0]);
  });

  test('gives every place back where a whole crowd throws at once, however long the queue', async () => {
    using pools = openPools(createSettings(settingsWith({ io: 1 })));
    const pool = pools.of('io');
    const first = Promise.withResolvers<void>();
    const held = pool.run(() => first.promise);
    const crowd = Promise.allSettled(
      Array.from({ length: 20_000 }, () =>
        pool.run(() => {
          throw new Error('closed');
        }),
      ),
    );
    first.resolve();
    await held;
    const answers = await crowd;
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(20_000);
    expect([pool.running, pool.queued, await pool.run(() => Promise.resolve(7))]).toEqual([0, 0, 7]);
  });

  test('goes on after a task that throws, and names the pools there are', async () => {
    using pools = openPools(createSettings(settingsWith({ io: 1, cpu: 1 })));
    await expect(pools.of('io').run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await pools.of('io').run(() => Promise.resolve(7))).toBe(7);
    expect(() => pools.of('ai')).toThrow('saw the pool ai; wanted one of io, cpu');
  });
});
