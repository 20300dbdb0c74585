import { setInterval as every } from 'node:timers/promises';

/** Looks again and again until the signal. Keeps no process alive. */
export async function follow(look: () => unknown, everyMs: number, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of every(everyMs, undefined, { signal, ref: false })) await look();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
