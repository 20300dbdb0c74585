/** Minutes that are looked back over. */
const longest = 1200;
const minutesKept = 2048; // a power of two above that
const shortestPeriod = 3;
const longestPeriod = 400;
/** A period is looked for beyond the first lag at which the load no longer resembles itself: neighbours always do. */
const unlike = 0.2;
const alike = 0.5;
const searchEvery = 10;

/**
 * Means of the demand by the minute, and what they repeat after.
 *
 * Products with what was 3–400 minutes ago are kept up minute by minute: a search is then a walk over the lags, and a year of them costs seconds.
 */
export interface Cycle {
  readonly minutes: Float64Array;
  /** Sum of all minutes before, by minute: means of both ends of the window in one subtraction. */
  readonly sums: Float64Array;
  /** Minutes seen. */
  length: number;
  /** By lag: the sum of x(t)·x(t − lag) over the window. */
  readonly products: Float64Array;
  squares: number;
  /** Minutes; 0: none was found. */
  period: number;
  /** The minute that is not over yet. */
  openSum: number;
  /** Windows of it, and those of them that are known. */
  openCount: number;
  openKnown: number;
}

export const createCycle = (): Cycle => ({
  minutes: new Float64Array(minutesKept),
  sums: new Float64Array(minutesKept),
  length: 0,
  products: new Float64Array(longestPeriod + 1),
  squares: 0,
  period: 0,
  openSum: 0,
  openCount: 0,
  openKnown: 0,
});

const at = (ring: Float64Array, minute: number): number => ring[minute & (minutesKept - 1)] ?? 0;

/** Windows that count as one minute; a longer one counts as one too. */
export const windowsPerMinute = (periodSeconds: number): number => Math.max(1, Math.round(60 / periodSeconds));

/** Takes in the demand of one window; undefined: it is not known, and its minute is that of the others. */
export function noteDemand(cycle: Cycle, demand: number | undefined, perMinute: number): void {
  cycle.openCount++;
  if (demand !== undefined) {
    cycle.openSum += demand;
    cycle.openKnown++;
  }
  if (cycle.openCount < perMinute) return;
  if (cycle.openKnown === 0) skipMinutes(cycle, 1);
  else closeMinute(cycle, cycle.openSum / cycle.openKnown);
  cycle.openSum = 0;
  cycle.openCount = 0;
  cycle.openKnown = 0;
}

/** Minutes of which nothing is known: the last one, if there is one, is taken to have gone on, so that what repeats stays in step. */
export function skipMinutes(cycle: Cycle, count: number): void {
  if (cycle.length === 0) return;
  const last = at(cycle.minutes, cycle.length - 1);
  for (let minute = 0; minute < Math.min(count, longest); minute++) closeMinute(cycle, last);
}

function closeMinute(cycle: Cycle, mean: number): void {
  const { minutes, sums, length, products } = cycle;
  const before = length === 0 ? 0 : at(sums, length - 1) + at(minutes, length - 1);
  sums[length & (minutesKept - 1)] = before;
  minutes[length & (minutesKept - 1)] = mean;
  const first = Math.max(0, length - longest); // leaves the window where there is one too many
  const leaves = length >= longest ? at(minutes, first) : 0;
  for (let lag = shortestPeriod; lag <= longestPeriod; lag++) {
    const enters = lag <= length ? mean * at(minutes, length - lag) : 0;
    products[lag] = (products[lag] ?? 0) + enters - (leaves === 0 ? 0 : leaves * at(minutes, first + lag));
  }
  cycle.squares += mean * mean - leaves * leaves;
  cycle.length++;
  if (cycle.length % searchEvery === 0) cycle.period = findPeriod(cycle);
}

/** The lag at which the load is most like itself. @returns 0 where none is like enough. */
function findPeriod({ minutes, sums, length, products, squares }: Cycle): number {
  const count = Math.min(length, longest);
  const first = length - count;
  const end = at(sums, length - 1) + at(minutes, length - 1);
  const mean = (end - at(sums, first)) / count;
  const variance = squares / count - mean * mean;
  if (variance <= 1e-12 * mean * mean) return 0;
  let [best, period, wasUnlike] = [alike, 0, false];
  for (let lag = shortestPeriod; lag <= Math.min(longestPeriod, count / 3); lag++) {
    const pairs = count - lag;
    const late = end - at(sums, first + lag);
    const early = at(sums, first + pairs) - at(sums, first);
    const likeness = ((products[lag] ?? 0) / pairs - (mean * (late + early)) / pairs + mean * mean) / variance;
    wasUnlike ||= likeness < unlike;
    if (!wasUnlike || likeness <= best) continue;
    [best, period] = [likeness, lag];
  }
  return period;
}

/** The minutes one period before the time from a minute ago to `aheadMinutes` from now: from the first to the last. */
const onePeriodBefore = ({ length, period }: Cycle, aheadMinutes: number): readonly [first: number, last: number] => [
  Math.max(0, length - 1 - period),
  Math.min(length - 1, length + Math.ceil(aheadMinutes) - period),
];

/** The greatest minute one period before that time. @returns undefined while no period is known. */
export function onePeriodAgo(cycle: Cycle, aheadMinutes: number): number | undefined {
  const { minutes, period } = cycle;
  if (period === 0) return undefined;
  let greatest = 0;
  const [first, last] = onePeriodBefore(cycle, aheadMinutes);
  for (let minute = first; minute <= last; minute++) greatest = Math.max(greatest, at(minutes, minute));
  return greatest;
}

/** What `onePeriodAgo` reads. */
export interface KnownMinutes extends Pick<Cycle, 'length' | 'period'> {
  readonly minutes: readonly number[];
}

/** @returns undefined while no period is known. */
export function minutesOnePeriodAgo(cycle: Cycle, aheadMinutes: number): KnownMinutes | undefined {
  const { minutes, length, period } = cycle;
  if (period === 0) return undefined;
  const [first, last] = onePeriodBefore(cycle, aheadMinutes);
  const seen = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => at(minutes, first + index));
  return { length, period, minutes: seen };
}

/** A cycle of which nothing else is known: nothing can be learned by it. */
export function withMinutes({ length, period, minutes }: KnownMinutes): Cycle {
  const cycle = { ...createCycle(), length, period };
  const first = Math.max(0, length - 1 - period);
  for (const [index, mean] of minutes.entries()) cycle.minutes[(first + index) & (minutesKept - 1)] = mean;
  return cycle;
}
