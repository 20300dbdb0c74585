import { compare, type Compared } from '../../operator/decide/optimizer/compare.ts';
import type { PendingAction } from '../../operator/decide/optimizer/kept.ts';
import type { Rows } from '../../operator/decide/optimizer/rows.ts';
import { random } from '../../operator/simulate/random.ts';

/** A metric around 100 that nobody acts on, with the load under which it stands. */
interface Noise {
  readonly name: string;
  /** Of the metric where load explains nothing; effects are told in it. */
  readonly deviation: number;
  readonly make: (draw: Draw, rows: number) => { readonly values: number[]; readonly loads: number[] };
}

interface Draw {
  readonly uniform: () => number;
  readonly normal: () => number;
}

const deviation = 5;
const autoregressive = ({ normal }: Draw, rows: number, phi: number): number[] => {
  let value = normal();
  return Array.from({ length: rows }, () => deviation * (value = phi * value + Math.sqrt(1 - phi * phi) * normal()));
};
const steady = (rows: number): number[] => Array.from({ length: rows }, () => 50);

const aroundMean =
  (phi: number): Noise['make'] =>
  (draw, rows) => ({
    values: autoregressive(draw, rows, phi).map((value) => 100 + value),
    loads: steady(rows),
  });
/** A load that swings by 40 % within an hour, and the metric with it. */
const underLoad =
  (phi: number): Noise['make'] =>
  (draw, rows) => {
    const phase = 2 * Math.PI * draw.uniform();
    const loads = Array.from(
      { length: rows },
      (_, row) => 50 + 20 * Math.sin((2 * Math.PI * row) / 360 + phase) + 2 * draw.normal(),
    );
    return { loads, values: autoregressive(draw, rows, phi).map((value, row) => 60 + 0.8 * (loads[row] ?? 0) + value) };
  };
const shifting: Noise['make'] = (draw, rows) => {
  let level = 100;
  const values = autoregressive(draw, rows, 0.8).map((value) => {
    if (draw.uniform() < 1 / 100) level = 100 + 8 * draw.normal();
    return level + value;
  });
  return { values, loads: steady(rows) };
};
/** It grows, and is collected by itself at a height that differs each time. */
const collected: Noise['make'] = (draw, rows) => {
  let [level, ceiling] = [80, 115];
  const values = Array.from({ length: rows }, () => {
    level += 0.6;
    if (level > ceiling) [level, ceiling] = [75 + 10 * draw.uniform(), 108 + 14 * draw.uniform()];
    return level + draw.normal();
  });
  return { values, loads: steady(rows) };
};

export const noises: readonly Noise[] = [
  { name: 'white', deviation, make: aroundMean(0) },
  { name: 'AR φ 0.6', deviation, make: aroundMean(0.6) },
  { name: 'AR φ 0.9', deviation, make: aroundMean(0.9) },
  { name: 'load, φ 0.6', deviation, make: underLoad(0.6) },
  { name: 'load, φ 0.9', deviation, make: underLoad(0.9) },
  { name: 'level shifts', deviation, make: shifting },
  { name: 'collected by itself', deviation: 12, make: collected },
];

export interface Windows {
  readonly history: number;
  readonly window: number;
  readonly settle: number;
}

const rowMs = 10_000;
/** Rows in which the metric has to cross the level at which the action is taken. */
const patience = 2_000;

/** What is said of an action that takes so many deviations off the metric from then on. Undefined: the metric did not cross the level. */
function judgedOnce(
  noise: Noise,
  { history, window, settle }: Windows,
  effect: number,
  seed: number,
): Compared | undefined {
  const uniform = random(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const { values, loads } = noise.make({ uniform, normal }, history + patience);
  const level = values.slice(0, history).toSorted((a, b) => a - b)[Math.floor(0.93 * history)] ?? NaN;
  const isOver = (row: number): boolean => (values.slice(row - 2, row + 1).toSorted((a, b) => a - b)[1] ?? NaN) > level;
  const rows = Array.from({ length: patience - settle - window - 2 }, (_, row) => history + row);
  const at = rows.find(isOver);
  if (at === undefined) return undefined;
  const seen = { from: at - history + 1, to: at + settle + window + 1 };
  const acted = values.map((value, row) => (row > at ? value - effect * noise.deviation : value));
  const cut = (column: readonly number[]): readonly number[] => column.slice(seen.from, seen.to);
  const pods = Array.from({ length: seen.to - seen.from }, () => 3);
  const of: Rows = {
    times: pods.map((_, row) => (seen.from + row) * rowMs),
    podsReady: pods,
    podsAnswered: pods,
    measures: { memory: cut(acted), requestRate: cut(loads) },
  };
  const pending = {
    component: 'workflow',
    rule: 'rule',
    action: 'CollectGarbage',
    metric: 'memory',
    operator: 'GreaterThan',
    begunAt: at * rowMs,
    doneAt: at * rowMs,
    settleMs: settle * rowMs,
    windowMs: window * rowMs,
  } as const satisfies PendingAction;
  return compare({ pending, rows: of, acts: [], intervalMs: rowMs });
}

/** Shares of what is said over many runs. */
export interface Rates {
  readonly improved: number;
  readonly worse: number;
}

export function ratesOf(
  noise: Noise,
  windows: Windows,
  { effect, runs }: { readonly effect: number; readonly runs: number },
): Rates {
  const outcomes = Array.from({ length: runs }, (_, run) => judgedOnce(noise, windows, effect, 1 + 7 * run)?.outcome);
  const share = (outcome: Compared['outcome']): number => outcomes.filter((one) => one === outcome).length / runs;
  return { improved: share('Improved'), worse: share('Worse') };
}

/** What may be said of an action that does nothing, and what has to be found of one that does: in shares. */
export const bounds = {
  falseImproved: 0.07,
  falseWorse: 0.13,
  /** By noise and by how many deviations the action helps. */
  power: [
    { noise: 'AR φ 0.6', effect: 2, least: 0.93 },
    { noise: 'AR φ 0.9', effect: 2, least: 0.65 },
    { noise: 'AR φ 0.9', effect: 3, least: 0.9 },
  ],
} as const;
