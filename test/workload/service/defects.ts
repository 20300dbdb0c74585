import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { exposedCollector } from '../../../operator/runtime/memory.ts';
import type { ConcurrencyPool, ConcurrencyPools } from '../../../operator/runtime/pools.ts';
import { burn } from './cpu.ts';

/** What is wrong with the service, for who is to treat it; nothing by default. */
export interface Defects {
  /** Kept for ever of each request: no collection frees it. */
  readonly leakKilobytes: number;
  /** Made at the start and let go: it lies there until somebody collects it. */
  readonly garbageMegabytes: number;
  /** Of a core, for each place of the pool `cpu`. */
  readonly hogPercent: number;
  /** What is read is not kept until the cache is warmed for the first time. */
  readonly coldCache: boolean;
}

export interface OpenDefects extends Disposable {
  /** With each request. */
  leak(): void;
}

export function openDefects(
  { leakKilobytes, garbageMegabytes, hogPercent }: Defects,
  pools: ConcurrencyPools,
): OpenDefects {
  const kept: Buffer[] = [];
  const stop = new AbortController();
  litter(garbageMegabytes);
  if (garbageMegabytes > 0) setFlagsFromString('--no-incremental-marking'); // else a process with little to do collects it by itself after 12 s to 16 s
  if (hogPercent > 0)
    void Promise.all(Array.from({ length: hogs }, () => hog(pools.of('cpu'), hogPercent, stop.signal)));
  return {
    leak: () => void (leakKilobytes > 0 && kept.push(Buffer.alloc(leakKilobytes * 1_024, 1))),
    [Symbol.dispose]: () => stop.abort(),
  };
}

/** Of elements, each eight bytes: what is so large has pages of its own, which the young generation's collections leave alone. */
const elementsPerMegabyte = 2 ** 17;

function litter(megabytes: number): number {
  const made = Array.from({ length: megabytes }, (_, index) =>
    Array.from({ length: elementsPerMegabyte }, () => index),
  );
  exposedCollector()(); // V8 collects next when there is a tenth more than now; else, after its own last collection, when a few MB came that each request leaves
  return made.length;
}

/** More than the pool has places: there is always one that waits. */
const hogs = 16;
/** Long beside what a busy machine keeps it waiting for its next turn. */
const turnMs = 1_000;

async function hog(pool: ConcurrencyPool, percent: number, signal: AbortSignal): Promise<void> {
  const busyMs = (turnMs * percent) / 100;
  const turn = async (): Promise<void> => {
    await burn(busyMs, signal);
    await delay(turnMs - busyMs, undefined, { signal, ref: false });
  };
  while (!signal.aborted) await pool.run(turn).catch(() => undefined); // it was told to stop
}
