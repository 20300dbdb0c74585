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
  /** Collects now, whatever is in use. Stops the whole process for some milliseconds. */
  collect(): Collection;
  readonly collections: number;
  readonly last: Collection | undefined;
}

export interface MemoryOptions {
  readonly everyMs?: number;
  /** A collection that helped little is not made again at once. */
  readonly pauseMs?: number;
  readonly onCollect?: (collection: Collection) => void;
}

/** Looks at the resident memory and collects garbage while it is above `collectAboveBytes`. */
export function openMemoryOptimizer(
  settings: LiveSettings,
  { everyMs = 5_000, pauseMs = 30_000, onCollect }: MemoryOptions = {},
): MemoryOptimizer {
  const gc = exposedCollector();
  const stop = new AbortController();
  let [collections, lastAt] = [0, -Infinity];
  let last: Collection | undefined;
  const collect = (): Collection => {
    const before = process.memoryUsage();
    gc();
    const after = process.memoryUsage();
    collections += 1;
    lastAt = performance.now();
    last = {
      beforeBytes: before.rss,
      afterBytes: after.rss,
      freedBytes: before.rss - after.rss,
      heapFreedBytes: before.heapUsed - after.heapUsed,
    };
    told(onCollect, last);
    return last;
  };
  const look = (): void => {
    const isDue = performance.now() - lastAt >= pauseMs;
    if (isDue && process.memoryUsage.rss() > settings.current.memory.collectAboveBytes) collect();
  };
  void follow(look, everyMs, stop.signal);
  return {
    collect,
    get collections() {
      return collections;
    },
    get last() {
      return last;
    },
    [Symbol.dispose]: () => stop.abort(),
  };
}

/** The collector itself, without --expose-gc on the command line. The flag goes back at once: with another set of flags V8 rejects all the code that it has cached. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('gc') as () => void;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
