import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { follow } from './follow.ts';
import type { LiveSettings } from './settings.ts';
import { told } from './told.ts';

/** Resident memory of the process before and after a collection. What V8 keeps for itself is not freed by one. */
export interface Collection {
  readonly beforeBytes: number;
  readonly afterBytes: number;
  readonly freedBytes: number;
  readonly heapFreedBytes: number;
}

export interface MemoryOptimizer extends Disposable {
  /** Collects now, whatever is in use. Stops the whole process for some milliseconds; the answer comes once what it frees has gone back to the kernel, within two seconds. */
  collect(): Promise<Collection>;
  readonly collections: number;
  /** Of all of them, where resident memory was less afterwards. */
  readonly freedBytes: number;
  readonly last: Collection | undefined;
}

export interface MemoryOptions {
  readonly everyMs?: number;
  /** A collection that helped little is not made again at once. */
  readonly pauseMs?: number;
  /** Not told of one that ends after the optimizer has been disposed of. */
  readonly onCollect?: (collection: Collection) => unknown;
}

/** Looks at the resident memory and collects garbage while it is above `collectAboveBytes`. */
export function openMemoryOptimizer(
  settings: LiveSettings,
  { everyMs = 5_000, pauseMs = 30_000, onCollect }: MemoryOptions = {},
): MemoryOptimizer {
  const gc = exposedCollector();
  const stop = new AbortController();
  let [collections, freedBytes, lastAt] = [0, 0, -Infinity];
  let last: Collection | undefined;
  const collect = async (): Promise<Collection> => {
    const before = process.memoryUsage();
    gc();
    lastAt = performance.now();
    const { heapUsed } = process.memoryUsage();
    const afterBytes = await settledRss();
    const collection = {
      beforeBytes: before.rss,
      afterBytes,
      freedBytes: before.rss - afterBytes,
      heapFreedBytes: before.heapUsed - heapUsed,
    };
    [collections, last] = [collections + 1, collection];
    freedBytes += Math.max(0, collection.freedBytes);
    if (!stop.signal.aborted) told(onCollect, collection);
    return collection;
  };
  const look = async (): Promise<void> => {
    const isDue = performance.now() - lastAt >= pauseMs;
    if (isDue && process.memoryUsage.rss() > settings.current.memory.collectAboveBytes) await collect();
  };
  void follow(look, everyMs, stop.signal);
  return {
    collect,
    get collections() {
      return collections;
    },
    get freedBytes() {
      return freedBytes;
    },
    get last() {
      return last;
    },
    [Symbol.dispose]: () => stop.abort(),
  };
}

/** Looked at so often. It has settled when so many looks found no less: that thread may not have its turn for 70 ms. No more than so many are made. */
const [lookMs, calmLooks, mostLooks] = [20, 10, 100];
const noise = 2 ** 20;

/** Resident memory once it falls no more. What Buffers have held is freed by a thread of V8 after `gc()` has returned: of 200 MB nothing was gone then, all of it 40 ms later, and on a busy machine 100. */
async function settledRss(): Promise<number> {
  let lowest = process.memoryUsage.rss();
  for (let look = 0, calm = 0; look < mostLooks && calm < calmLooks; look += 1) {
    await pause(lookMs);
    const rss = process.memoryUsage.rss();
    calm = rss < lowest - noise ? 0 : calm + 1;
    lowest = Math.min(lowest, rss);
  }
  return lowest;
}

/** The collector itself, without --expose-gc on the command line. The flag goes back at once: with another set of flags V8 rejects all the code that it has cached. */
export function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('gc') as () => void;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
