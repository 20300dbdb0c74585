import { setTimeout as delay } from 'node:timers/promises';

/** What a person's or a pipeline's client keeps open at a time. */
const connections = 16;

/** Does `work` for every item, 16 at a time, as fast as they go. @returns How long each took, in ms. */
export async function inFlight<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<readonly number[]> {
  const waiting = items.values();
  const took: number[] = [];
  const lane = async (): Promise<void> => {
    for (const item of waiting) {
      const began = performance.now();
      await work(item);
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  return took;
}

/** Begins `work` for every item at its own moment, whether or not what began before has ended. @returns When each was due (performance.now()). */
export async function openLoop<T>(
  items: readonly T[],
  { perSecond, signal }: { readonly perSecond: number; readonly signal: AbortSignal },
  work: (item: T) => Promise<unknown>,
): Promise<readonly number[]> {
  const began = performance.now();
  const due = items.map((_, index) => began + (index * 1000) / perSecond);
  const running: Promise<unknown>[] = [];
  for (const [index, item] of items.entries()) {
    const earlyMs = (due[index] ?? began) - performance.now();
    if (earlyMs > 1) await delay(earlyMs, undefined, { signal });
    running.push(work(item));
  }
  await Promise.all(running);
  return due;
}
