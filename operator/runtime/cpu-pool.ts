import { LRUCache } from 'lru-cache';
import { Piscina } from 'piscina';
import type { RuntimeSettings } from '../api/runtime-settings.ts';
import type { LiveSettings } from './settings.ts';

export interface CpuPool<Task, Result> extends AsyncDisposable {
  /** On a thread; the same task again gives the remembered result. Tasks and results are what a structured clone can carry. @throws What the task throws, and the signal's reason. */
  run(task: Task, signal?: AbortSignal): Promise<Result>;
  readonly threads: number;
  readonly queued: number;
  readonly remembered: number;
}

export interface CpuPoolOptions {
  /** A module whose default export takes a task: `new URL('./work.js', import.meta.url).href`. */
  readonly filename: string;
}

/** Worker threads for work that only computes, so that the event loop stays free. */
export function openCpuPool<Task, Result>(settings: LiveSettings, { filename }: CpuPoolOptions): CpuPool<Task, Result> {
  let { threads: workers, memo } = openThreads(filename, settings.current.cpuPool);
  const unsubscribe = settings.onChange(({ cpuPool }) => {
    const before = workers;
    if (cpuPool.threads !== before.options.maxThreads || cpuPool.memoEntries !== (memo?.max ?? 0)) {
      ({ threads: workers, memo } = openThreads(filename, cpuPool));
      void before.close(); // what is under way ends there
    }
  });
  return {
    async run(task, signal) {
      const key = memo && JSON.stringify(task);
      const known = key === undefined ? undefined : memo?.get(key);
      if (known !== undefined) return known.result as Result;
      const result = (await workers.run(task, signal === undefined ? {} : { signal })) as Result;
      if (key !== undefined) memo?.set(key, { result });
      return result;
    },
    get threads() {
      return workers.options.maxThreads;
    },
    get queued() {
      return workers.queueSize;
    },
    get remembered() {
      return memo?.size ?? 0;
    },
    async [Symbol.asyncDispose]() {
      unsubscribe();
      await workers.destroy();
    },
  };
}

function openThreads(filename: string, { threads, memoEntries }: RuntimeSettings['cpuPool']) {
  return {
    threads: new Piscina({ filename, minThreads: 1, maxThreads: threads, idleTimeout: 30_000 }),
    memo: memoEntries === 0 ? undefined : new LRUCache<string, { readonly result: unknown }>({ max: memoEntries }),
  };
}
