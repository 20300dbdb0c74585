import type { JudgedTime } from './attainment.ts';

/** Share of time in which an objective is to be met; the rest is its error budget. docs/decisions/0050 says why it is no field. */
const targetAttainment = 0.99;

/** Windows of burn rates, ms. */
export const burnWindows = {
  '5m': 300_000,
  '30m': 1_800_000,
  '1h': 3_600_000,
  '6h': 21_600_000,
  '3d': 259_200_000,
} as const;
export type BurnWindow = keyof typeof burnWindows;
/** By window; absent where nothing was judged in it. */
export type BurnRates = Readonly<Partial<Record<BurnWindow, number>>>;

interface Pace {
  readonly long: '1h' | '6h' | '3d';
  readonly short: BurnWindow;
  /** Both windows have to burn as fast as this. */
  readonly rate: number;
}

/** The pairs of the SRE workbook (chapter 5), fastest first: 2 % of a month's budget in an hour, 5 % in six hours, 10 % in three days. */
const paces: readonly Pace[] = [
  { long: '1h', short: '5m', rate: 14.4 },
  { long: '6h', short: '30m', rate: 6 },
  { long: '3d', short: '6h', rate: 1 },
];

/**
 * How many times faster than the budget allows it is used up: 1 leaves nothing of it at the end of the window, 100 is never met.
 * Counted against the whole window: a minute of which nothing is known burns nothing, and a few bad seconds after a start are not yet a bad hour.
 */
export function burnRate({ metSeconds, notMetSeconds, spanSeconds }: JudgedTime): number | undefined {
  return metSeconds + notMetSeconds === 0 ? undefined : notMetSeconds / (spanSeconds * (1 - targetAttainment));
}

/** The fastest pace at which the budget burns now; undefined while it does not. The short window ends it soon after the objective is met again. */
export const paceOf = (rates: BurnRates): Pace | undefined =>
  paces.find(({ long, short, rate }) => (rates[long] ?? 0) >= rate && (rates[short] ?? 0) >= rate);
