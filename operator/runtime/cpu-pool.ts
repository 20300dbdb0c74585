import { serialize } from 'node:v8';
import { LRUCache } from 'lru-cache';
import { Piscina } from 'piscina';
import type { RuntimeSettings } from '../api/runtime-settings.ts';
import { onSectionChange, type LiveSettings } from './settings.ts';
import { told } from './told.ts';

export interface CpuPool<Task, Result> extends AsyncDisposable {
  /** On a thread; the same task again gives the remembered result, the very same object: who changes it changes it for all. Tasks and results are what a structured clone can carry. @throws What the task throws, and the signal's reason. */
  run(task: Task, signal?: AbortSignal): Promise<Result>;
  readonly threads: number;
  readonly queued: number;
  readonly remembered: number;
}

export interface CpuPoolOptions {
  /** A module whose default export takes a task: `new URL('./work.js', import.meta.url).href`. */
  readonly filename: string;
  /** A thread has failed while it had no task; another takes its place. */
  readonly onError?: (error: Error) => unknown;
}

/** Worker threads for work that only computes, so that the event loop stays free. */
export function openCpuPool<Task, Result>(settings: LiveSettings, options: CpuPoolOptions): CpuPool<Task, Result> {
  let current = openThreads(options, settings.current.cpuPool);
  let isOver = false;
  const unsubscribe = onSectionChange(settings, 'cpuPool', (cpuPool) => {
    const before = current;
    current = openThreads(options, cpuPool);
    void ended(before);
  });
  return {
    async run(task, signal) {
      if (isOver) throw new Error(disposedOf); // piscina would begin new threads for it
      const { pool, memo, underWay } = current;
      const key = memo && keyOf(task);
      const known = key === undefined ? undefined : memo?.get(key);
      if (known !== undefined) return known.result as Result;
      const running = pool.run(task, signal === undefined ? {} : { signal }) as Promise<Result>;
      underWay.add(running);
      try {
        const result = await running;
        if (key !== undefined) memo?.set(key, { result });
        return result;
      } catch (error) {
        throw inWords(error);
      } finally {
        underWay.delete(running);
      }
    },
    get threads() {
      return current.pool.options.maxThreads;
    },
    get queued() {
      return current.pool.queueSize;
    },
    get remembered() {
      return current.memo?.size ?? 0;
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      unsubscribe();
      await current.pool.destroy();
    },
  };
}

const disposedOf =
  'saw a task for a CPU pool that has been disposed of; wanted it before that; next: end what asks before the pool';

/** What a thread cannot send back ends it, with an error whose words are in its stack alone. */
function inWords(error: unknown): unknown {
  if (!Error.isError(error) || error.message !== '') return error;
  const [, unsendable] = /^DataCloneError: (.*?)\.?$/m.exec(error.stack ?? '') ?? [];
  if (unsendable === undefined) return error;
  return new TypeError(
    `saw a task end with what no thread can send: ${unsendable}; wanted what a structured clone can carry; next: return plain data`,
    { cause: error },
  );
}

interface Threads {
  readonly pool: Piscina;
  readonly memo: LRUCache<string, { readonly result: unknown }> | undefined;
  readonly underWay: Set<Promise<unknown>>;
}

function openThreads(
  { filename, onError }: CpuPoolOptions,
  { threads, memoEntries }: RuntimeSettings['cpuPool'],
): Threads {
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: threads, idleTimeout: 30_000 });
  pool.on('error', (error: Error) => told(onError, error)); // with no listener it would end the process
  return {
    pool,
    memo: memoEntries === 0 ? undefined : new LRUCache<string, { readonly result: unknown }>({ max: memoEntries }),
    underWay: new Set(),
  };
}

/** When all that was asked of them has ended. Not `close()`: that ends threads at work after the first of them is free, or after 30 s. */
async function ended({ pool, underWay }: Threads): Promise<void> {
  await Promise.allSettled(underWay);
  await pool.destroy();
}

/** Every byte that a thread would be given: JSON takes a Map for any other. Undefined: what cannot be kept, shared memory say, is not remembered. */
function keyOf(task: unknown): string | undefined {
  try {
    return serialize(task).toString('latin1');
  } catch {
    return undefined;
  }
}
