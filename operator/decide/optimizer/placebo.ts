/** Rows of a comparison: so many before an action and as many after it, and in between those in which it takes effect. */
export interface Spans {
  readonly window: number;
  readonly settle: number;
}

export interface PlaceboInput {
  /** Rows until the action, oldest first; the last `window` of them are those before it. NaN where nothing is known, or another action was at work. */
  readonly history: readonly number[];
  /** The `window` rows after it has settled. */
  readonly after: readonly number[];
  readonly spans: Spans;
}

/** What was seen after an action, beside what comes after such a time where nobody acts. In the unit of the rows. */
export interface Effect {
  readonly before: number;
  /** Mean of the last rows before. */
  readonly last: number;
  readonly after: number;
  /** Where nobody acts, by what else was seen in the history. */
  readonly expected: number;
  /** How far off that was when nobody acted: the points below which 1, 5, 95 and 99 % of the errors lie. */
  readonly errors: Readonly<Record<'p1' | 'p5' | 'p95' | 'p99', number>>;
  /** Rows of the history that are known. */
  readonly known: number;
}

/** The same three windows anywhere in the history, where nobody acted. */
interface Placebo {
  readonly before: number;
  /** Mean of the last rows before. */
  readonly last: number;
  readonly after: number;
}

/** A mean of fewer of its rows says nothing. */
const leastKnown = 0.75;
const lastRows = 3;
const leastPlacebos = 30;
/** Of the number of placebos: keeps the line flat where the two means before say nearly the same. */
const ridge = 0.02;
/** Placebos count the more, the nearer their last rows are to those of the action (in standard deviations); the others a little. */
const [nearness, leastWeight] = [0.8, 0.05];

/**
 * What an action did, by comparison with all the times that nothing was done (docs/optimizer.md has the reasons and the measured error rates).
 * An action is taken because a value is high, and what is high often falls by itself: so the line from before to after is learned where nobody acted, and what it leaves unexplained there is the measure of chance.
 *
 * @returns Undefined where too little is known of before, after or the history.
 */
export function effectOf({ history, after: rowsAfter, spans }: PlaceboInput): Effect | undefined {
  const own = windowsAt(history, history.length - spans.window, spans);
  const after = meanOf(rowsAfter, 0, rowsAfter.length);
  const placebos = placebosIn(history, spans);
  if (Number.isNaN(own.before + own.last + after) || placebos.length < leastPlacebos) return undefined;
  const line = lineThrough(placebos);
  const nearTo = line.lastZ(own.last);
  const errors = placebos.map((one) => ({
    error: one.after - line.expected(one),
    weight: Math.exp(-0.5 * ((line.lastZ(one.last) - nearTo) / nearness) ** 2) + leastWeight,
  }));
  const known = history.filter((value) => !Number.isNaN(value)).length;
  return {
    before: own.before,
    last: own.last,
    after,
    expected: line.expected(own),
    errors: widened(errors, 1 + (2 * lengthOf(spans)) / known),
    known,
  };
}

const lengthOf = ({ window, settle }: Spans): number => 2 * window + settle;

function placebosIn(history: readonly number[], spans: Spans): readonly Placebo[] {
  const length = lengthOf(spans);
  return Array.from({ length: Math.max(0, history.length - length + 1) }, (_, start) => ({
    ...windowsAt(history, start, spans),
    after: meanOf(history, start + spans.window + spans.settle, start + length),
  })).filter(({ before, last, after }) => !Number.isNaN(before + last + after));
}

const windowsAt = (rows: readonly number[], start: number, { window }: Spans): Omit<Placebo, 'after'> => ({
  before: meanOf(rows, start, start + window),
  last: meanOf(rows, start + Math.max(0, window - lastRows), start + window),
});

/** NaN where too few rows are known. */
function meanOf(rows: readonly number[], from: number, to: number): number {
  let [sum, count] = [0, 0];
  for (let row = Math.max(0, from); row < to; row++) {
    const value = rows[row] ?? NaN;
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count > 0 && count >= leastKnown * (to - from) ? sum / count : NaN;
}

/** After, by the two means before: least squares with a ridge on standardised means. */
function lineThrough(placebos: readonly Placebo[]) {
  const [before, last, after] = (['before', 'last', 'after'] as const).map((part) =>
    scaleOf(placebos.map((one) => one[part])),
  ) as [Scale, Scale, Scale];
  const sum = (term: (one: Placebo) => number): number => placebos.reduce((all, one) => all + term(one), 0);
  const [b, l] = [(one: Placebo) => before.z(one.before), (one: Placebo) => last.z(one.last)];
  const penalty = ridge * placebos.length;
  const [bb, ll, bl] = [
    sum((one) => b(one) ** 2) + penalty,
    sum((one) => l(one) ** 2) + penalty,
    sum((one) => b(one) * l(one)),
  ];
  const [ba, la] = [sum((one) => b(one) * (one.after - after.mean)), sum((one) => l(one) * (one.after - after.mean))];
  const determinant = bb * ll - bl * bl;
  const [slopeOfBefore, slopeOfLast] = [(ba * ll - la * bl) / determinant, (la * bb - ba * bl) / determinant];
  return {
    lastZ: last.z,
    expected: (one: Omit<Placebo, 'after'>): number =>
      after.mean + slopeOfBefore * before.z(one.before) + slopeOfLast * last.z(one.last),
  };
}

interface Scale {
  readonly mean: number;
  /** Standard deviations from the mean; 0 for everything where nothing varies. */
  readonly z: (value: number) => number;
}

function scaleOf(values: readonly number[]): Scale {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, z: (value) => (deviation > 1e-12 * Math.abs(mean) ? (value - mean) / deviation : 0) };
}

interface Weighed {
  readonly error: number;
  readonly weight: number;
}

/** Weighted points of the errors, drawn out from their middle: few windows show less of chance than there is. */
function widened(errors: readonly Weighed[], by: number): Effect['errors'] {
  const sorted = errors.toSorted((a, b) => a.error - b.error);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const point = (share: number): number => {
    let below = 0;
    for (const { error, weight } of sorted) {
      below += weight;
      if (below >= share * total) return error;
    }
    return sorted.at(-1)?.error ?? NaN;
  };
  const middle = point(0.5);
  const [p1, p5, p95, p99] = [0.01, 0.05, 0.95, 0.99].map((share) => middle + by * (point(share) - middle)) as [
    number,
    number,
    number,
    number,
  ];
  return { p1, p5, p95, p99 };
}

/** Share of the variance above which load is taken out. */
const leastExplained = 0.1;

/** The rows as they would be under the mean load of the history, where a straight line on load explains enough of them. */
export function atMeanLoad(
  history: readonly number[],
  loads: readonly number[],
): (rows: readonly number[], loadsOfRows: readonly number[]) => readonly number[] {
  const pairs = history
    .map((value, row) => ({ value, load: loads[row] ?? NaN }))
    .filter(({ value, load }) => !Number.isNaN(value + load));
  const mean = (part: 'value' | 'load'): number => pairs.reduce((sum, pair) => sum + pair[part], 0) / pairs.length;
  const [value, load] = [mean('value'), mean('load')];
  const sum = (term: (pair: { readonly value: number; readonly load: number }) => number): number =>
    pairs.reduce((all, pair) => all + term(pair), 0);
  const [ofLoad, ofValue, both] = [
    sum((pair) => (pair.load - load) ** 2),
    sum((pair) => (pair.value - value) ** 2),
    sum((pair) => (pair.load - load) * (pair.value - value)),
  ];
  const isExplained = ofLoad > 0 && ofValue > 0 && both ** 2 / (ofLoad * ofValue) > leastExplained;
  if (!isExplained) return (rows) => rows;
  const slope = both / ofLoad;
  return (rows, loadsOfRows) => rows.map((one, row) => one - slope * ((loadsOfRows[row] ?? load) - load));
}
