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
  test('collects for real: what nobody holds is gone from the heap', () => {
    using optimizer = openMemoryOptimizer(createSettings(settingsWith(Number.MAX_SAFE_INTEGER)));
    litter();
    const { beforeBytes, afterBytes, freedBytes, heapFreedBytes } = optimizer.collect();
    expect(heapFreedBytes).toBeGreaterThan(10 * 2 ** 20);
    expect(freedBytes).toBe(beforeBytes - afterBytes);
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
});
