import { isProblem } from '../api/problem.ts';
import type { Swept } from '../levers/redis/sweep.ts';
import { units, type RedisUnit } from '../levers/redis/unit.ts';
import type { Resolved } from '../decide/resolve.ts';

/** Servers whose expired keys may be thrown out: those that a policy tunes. */
export const sweepable = (resolved: Resolved): readonly RedisUnit[] =>
  units(resolved).filter(({ mode }) => mode === 'Enforce');

export type Sweep = (unit: RedisUnit, signal: AbortSignal) => Promise<readonly Swept[]>;

/** One server that cannot be asked holds up no other. */
export async function sweepAll(
  servers: readonly RedisUnit[],
  sweep: Sweep,
  signal: AbortSignal,
): Promise<{ readonly kind: 'done' | 'failed'; readonly message: string }> {
  const swept: Swept[] = [];
  const failed: string[] = [];
  for (const unit of servers)
    try {
      swept.push(...(await sweep(unit, signal)));
    } catch (error) {
      if (!isProblem(error)) throw error;
      failed.push(`${unit.name}: ${error.message}`);
    }
  if (swept.length === 0)
    return { kind: 'failed', message: failed.join('; ') || 'saw no primary that could be asked (a fail-over?)' };
  const expired = swept.reduce((sum, one) => sum + one.expired, 0);
  const unfinished = swept
    .filter(({ isWhole }) => !isWhole)
    .map(({ server }) => `${server}: not all keys were gone over`);
  const message = [`${expired} keys expired in Redis`, ...unfinished, ...failed].join('; ');
  return { kind: 'done', message };
}
