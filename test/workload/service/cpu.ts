import { pbkdf2, pbkdf2Sync } from 'node:crypto';
import { promisify } from 'node:util';

const hash = promisify(pbkdf2);
const [word, salt, algorithm] = ['generation', 'salt', 'sha256'] as const;

/** Burns a stated time of CPU. */
export type Burn = (cpuMs: number) => Promise<void>;

/**
 * Measures how much hashing one ms of CPU is here, and returns what does that much of it, off the event loop.
 *
 * CPU time, not wall time: a throttled container would otherwise take itself for a fast one.
 */
export function calibrateBurn(): Burn {
  const iterations = 50_000;
  const before = process.threadCpuUsage();
  pbkdf2Sync(word, salt, iterations, 32, algorithm);
  const { user, system } = process.threadCpuUsage(before);
  const iterationsPerMs = iterations / Math.max((user + system) / 1000, 0.001);
  return async (cpuMs) => {
    if (cpuMs > 0) await hash(word, salt, Math.max(1, Math.round(cpuMs * iterationsPerMs)), 32, algorithm);
  };
}
