import PQueue from 'p-queue';
import type { LiveSettings } from './settings.ts';

/** One kind of work, of which only so much goes on at once. */
export interface ConcurrencyPool {
  readonly name: string;
  readonly limit: number;
  readonly running: number;
  readonly queued: number;
  /**
   * Runs `task` when its turn has come: first come, first served. A caller who gives up leaves the queue at once; a task that has begun keeps its place until it has really ended,
   * so that the limit holds whatever tasks make of their signal.
   *
   * @throws What the task throws, or the signal's reason when it fires before the task begins.
   */
  run<T>(task: (signal?: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export interface ConcurrencyPools extends Disposable {
  /** @throws {RangeError} that names the pools there are. */
  of(name: string): ConcurrencyPool;
  list(): readonly ConcurrencyPool[];
}

/** The pools of the settings. A limit that changes holds from the next task on; a pool that is not declared any more keeps its last limit. */
export function openPools(settings: LiveSettings): ConcurrencyPools {
  const pools = new Map<string, ConcurrencyPool & { resize(limit: number): void }>();
  const take = (limits: Readonly<Record<string, number>>): void => {
    for (const [name, limit] of Object.entries(limits)) {
      const known = pools.get(name);
      if (known === undefined) pools.set(name, createPool(name, limit));
      else known.resize(limit);
    }
  };
  take(settings.current.pools);
  const unsubscribe = settings.onChange(({ pools: limits }) => take(limits));
  return {
    of(name) {
      const pool = pools.get(name);
      if (pool !== undefined) return pool;
      throw new RangeError(`saw the pool ${name}; wanted one of ${[...pools.keys()].join(', ')}`);
    },
    list: () => [...pools.values()],
    [Symbol.dispose]: unsubscribe,
  };
}

function createPool(name: string, limit: number): ConcurrencyPool & { resize(limit: number): void } {
  const queue = new PQueue({ concurrency: limit });
  return {
    name,
    get limit() {
      return queue.concurrency;
    },
    get running() {
      return queue.pending;
    },
    get queued() {
      return queue.size;
    },
    resize: (next) => void (queue.concurrency = next),
    async run(task, signal) {
      if (signal === undefined) return queue.add(() => task());
      signal.throwIfAborted();
      const isFree = queue.size === 0 && queue.pending < queue.concurrency;
      if (isFree) return queue.add(() => task(signal)); // it begins at once: there is no queue to leave, and that costs a third
      // Not the caller's own signal: with that the queue would take a task for ended that only was told to end.
      const waiting = new AbortController();
      const leave = (): void => waiting.abort(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      const begin = (): ReturnType<typeof task> => {
        signal.removeEventListener('abort', leave);
        return task(signal);
      };
      return queue.add(begin, { signal: waiting.signal });
    },
  };
}
