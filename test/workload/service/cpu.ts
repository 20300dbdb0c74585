import { pbkdf2Sync } from 'node:crypto';
import { setImmediate as yieldToOthers } from 'node:timers/promises';

/** About a quarter of a millisecond: for so long other requests wait. */
const iterationsPerSlice = 2000;

/**
 * Hashes until this much CPU time is used, in slices between which other requests have their turn.
 *
 * Each slice is measured, in CPU time: a fixed number of hashes took from 4 to 8 ms, as busy as the machine was.
 */
export async function burn(cpuMs: number, signal: AbortSignal): Promise<void> {
  let usedMs = 0;
  while (usedMs < cpuMs) {
    const before = process.threadCpuUsage();
    pbkdf2Sync('generation', 'salt', iterationsPerSlice, 32, 'sha256');
    const { user, system } = process.threadCpuUsage(before);
    usedMs += (user + system) / 1000;
    await yieldToOthers(undefined, { signal });
  }
}
