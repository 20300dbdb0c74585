import { describe, expect, test } from '@jest/globals';
import { defaultSettings } from '../../../operator/runtime/default-settings.ts';
import { openMemoryOptimizer } from '../../../operator/runtime/memory.ts';
import { createSettings } from '../../../operator/runtime/settings.ts';
import { eventually } from '../../world/eventually.ts';

const settingsWith = (collectAboveBytes: number) => ({ ...defaultSettings, memory: { collectAboveBytes } });

/** Some tens of megabytes that nobody holds any more. */
function litter(): void {
  expect(Array.from({ length: 500_000 }, (_, index) => ({ index }))).toHaveLength(500_000);
}

describe('openMemoryOptimizer()', () => {
  test('collects for real: what nobody holds is gone from the heap, and what Buffers held from the process when it tells', async () => {
    using optimizer = openMemoryOptimizer(createSettings(settingsWith(Number.MAX_SAFE_INTEGER)));
    const buffers = Array.from({ length: 4 }, () => Buffer.alloc(64 * 2 ** 20, 1)); // each so large that the kernel has its pages back when it is freed
    litter();
    buffers.length = 0;
    const { beforeBytes, afterBytes, freedBytes, heapFreedBytes } = await optimizer.collect();
    expect(heapFreedBytes).toBeGreaterThan(10 * 2 ** 20);
    expect(freedBytes).toBe(beforeBytes - afterBytes);
    expect(freedBytes).toBeGreaterThan(200 * 2 ** 20);
    expect(optimizer.last).toEqual({ beforeBytes, afterBytes, freedBytes, heapFreedBytes });
  });

  test('does so by itself once the process is above its threshold, which may change, and then waits', async () => {
    const settings = createSettings(settingsWith(Number.MAX_SAFE_INTEGER));
    const told: number[] = [];
    using optimizer = openMemoryOptimizer(settings, {
      everyMs: 2,
      onCollect: ({ beforeBytes }) => told.push(beforeBytes),
    });
    settings.set(settingsWith(1));
    await eventually(() => expect(optimizer.collections).toBe(1));
    expect(told).toHaveLength(1);
  });

  test('goes on when one who is told throws', async () => {
    using optimizer = openMemoryOptimizer(createSettings(settingsWith(1)), {
      everyMs: 2,
      pauseMs: 0,
      onCollect: () => {
        throw new Error('no log');
      },
    });
    await eventually(() => expect(optimizer.collections).toBeGreaterThan(1));
  });

  test('tells nobody of a collection that ends after it has been disposed of', async () => {
    const told: number[] = [];
    const optimizer = openMemoryOptimizer(createSettings(settingsWith(Number.MAX_SAFE_INTEGER)), {
      onCollect: ({ beforeBytes }) => told.push(beforeBytes),
    });
    const collected = optimizer.collect();
    optimizer[Symbol.dispose]();
    expect(await collected).toEqual(optimizer.last);
    expect(told).toEqual([]);
  });
});
