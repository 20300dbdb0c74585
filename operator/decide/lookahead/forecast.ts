import { onePeriodAgo } from './cycle.ts';
import type { Expert, LookaheadMemory, LookaheadSettings } from './memory.ts';

/** The window that is being decided: its demand and what of it has to be covered, both in slots. */
export interface Now {
  readonly demand: number;
  readonly need: number;
  /** Windows from now within which a Pod that is asked for now is Ready. */
  readonly horizon: number;
}

type Settings = Pick<LookaheadSettings, 'periodSeconds'>;

/** How far back the longest look goes. */
export const longMemorySeconds = 1200;

type Say = (memory: LookaheadMemory, now: Now, windows: (seconds: number) => number) => number | undefined;

/** What each expert says that the greatest need of the next `horizon` windows will be; undefined: it has nothing to say yet. */
const says: Readonly<Record<Expert, Say>> = {
  level: (memory, now, windows) => meanDemand(memory, now.demand, windows(20)),
  trend: (memory, now, windows) =>
    Math.max(
      meanDemand(memory, now.demand, windows(20)),
      carriedForward(memory, now, windows(60)),
      carriedForward(memory, now, windows(180)),
    ),
  max5: (memory, now, windows) => greatestOf(memory.needs, memory, now.need, windows(300)),
  max20: (memory, now, windows) => greatestOfMany(memory, now.need, windows(longMemorySeconds)),
  cycle: (memory, now, windows) => {
    const before = onePeriodAgo(memory.cycle, now.horizon / windows(60));
    return before === undefined ? undefined : Math.max(meanDemand(memory, now.demand, windows(20)), before);
  },
};

export const forecast = (
  expert: Expert,
  memory: LookaheadMemory,
  now: Now,
  { periodSeconds }: Settings,
): number | undefined => says[expert](memory, now, (seconds) => Math.max(1, Math.round(seconds / periodSeconds)));

/** Mean of the newest `count` windows, this one the last of them. */
export function meanDemand(memory: LookaheadMemory, demand: number, count: number): number {
  const { demands, size, window } = memory;
  const known = Math.min(count, window + 1);
  let sum = demand;
  for (let back = 1; back < known; back++) sum += demands[(window - back) & (size - 1)] ?? 0;
  return sum / known;
}

/** How many windows ago the newest of at least `level` was; `count`: none of that many was. */
export function windowsSince(
  ring: Float64Array,
  { size, window }: Pick<LookaheadMemory, 'size' | 'window'>,
  level: number,
  count: number,
): number {
  const known = Math.min(count, window + 1);
  for (let back = 1; back < known; back++) if ((ring[(window - back) & (size - 1)] ?? 0) >= level) return back;
  return count;
}

/** The greatest of the newest `count` windows, this one the last of them. */
export function greatestOf(
  ring: Float64Array,
  { size, window }: Pick<LookaheadMemory, 'size' | 'window'>,
  current: number,
  count: number,
): number {
  let greatest = current;
  const known = Math.min(count, window + 1);
  for (let back = 1; back < known; back++) greatest = Math.max(greatest, ring[(window - back) & (size - 1)] ?? 0);
  return greatest;
}

/** The same for many windows of needs: where the greatest was is remembered, which saves looking for it nearly each time. */
export function greatestOfMany(memory: LookaheadMemory, current: number, count: number): number {
  const { needs, size, window, peakAt } = memory;
  const isInSight = peakAt > window - count && peakAt >= 0;
  return isInSight ? Math.max(current, needs[peakAt & (size - 1)] ?? 0) : greatestOf(needs, memory, current, count);
}

/** Where the greatest of the newest `count` needs is once this window is among them. */
export function peakAfter(memory: LookaheadMemory, need: number, count: number): number {
  const { needs, size, window, peakAt } = memory;
  const isInSight = peakAt > window + 1 - count && peakAt >= 0;
  if (isInSight) return need >= (needs[peakAt & (size - 1)] ?? 0) ? window : peakAt;
  let found = window;
  let greatest = need;
  for (let back = 1; back < Math.min(count - 1, window + 1); back++) {
    const value = needs[(window - back) & (size - 1)] ?? 0;
    if (value <= greatest) continue;
    greatest = value;
    found = window - back;
  }
  return found;
}

/** How far towards the end of the horizon a line is trusted. */
const carried = 0.8;

/** The line of least squares through the newest `count` demands, carried forward. */
function carriedForward({ demands, size, window }: LookaheadMemory, now: Now, count: number): number {
  const known = Math.min(count, window + 1);
  if (known < 3) return 0;
  const middle = (known - 1) / 2;
  let [sum, moment] = [now.demand, now.demand * middle];
  for (let back = 1; back < known; back++) {
    const value = demands[(window - back) & (size - 1)] ?? 0;
    sum += value;
    moment += value * (middle - back);
  }
  const slope = moment / ((known * (known * known - 1)) / 12);
  return Math.max(0, sum / known + slope * (middle + carried * now.horizon));
}
