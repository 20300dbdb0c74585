import type { EffectivePolicy } from './effective-policy.ts';
import { ratingOf, type Rating } from './rating.ts';

/** Snapshots of one component within the window, NaN where there is a gap. Rates in 1/s, memory in bytes, times in seconds. */
export interface TrendRows {
  readonly cpuPercent: Float32Array;
  readonly memoryBytes: Float32Array;
  readonly activeConnections: Float32Array;
  readonly requestRate: Float32Array;
  /** Of the Pods that have a rate: what errors are a share of. */
  readonly answerRate: Float32Array;
  readonly errorRate: Float32Array;
  readonly responseTimeP95: Float32Array;
  readonly cacheHitRate: Float32Array;
  readonly cacheMissRate: Float32Array;
  /** Ready Pods, those of them that were read, and those of these that left out their part of a load. */
  readonly podsReady: Float32Array;
  readonly podsAnswered: Float32Array;
  readonly activeConnectionsPartial: Float32Array;
  readonly requestRatePartial: Float32Array;
}

type Load = 'activeConnections' | 'requestRate';

export interface TrendInput {
  readonly rating: EffectivePolicy['rating'];
  readonly windowSeconds: number;
  readonly components: readonly TrendRows[];
  /** Of the cache server, where the policy takes the hit ratio from there; then what the workload says of its own caches does not count. */
  readonly cacheServer?: { readonly hitRatio: number | undefined } | undefined;
}

/** The guide's trend over N minutes (row H2). Absent averages are unknown. */
export interface Trend {
  readonly windowSeconds: number;
  /** Snapshots that say anything, of the component that has most. */
  readonly count: number;
  readonly averages: {
    readonly cpuPercent: number | undefined;
    readonly memoryBytes: number | undefined;
    readonly activeConnections: number | undefined;
    readonly requestRate: number | undefined;
    readonly responseTimeP95: number | undefined;
    readonly cacheHitRatio: number | undefined;
    readonly errorRatio: number | undefined;
  };
  /** Of these averages (row H3). */
  readonly rating: Rating;
}

/** Averages of the snapshots: of several components loads are added, shares are of all together, and of the rest the worst counts. */
export function trendOf({ rating: policy, windowSeconds, components, cacheServer }: TrendInput): Trend {
  const means = (column: keyof TrendRows): readonly number[] => components.flatMap((rows) => mean(rows[column]) ?? []);
  const worst = (column: keyof TrendRows): number | undefined => {
    const known = means(column);
    return known.length === 0 ? undefined : Math.max(...known);
  };
  const total = (column: Load): number | undefined => {
    const loads = components.map((rows) => ofWhole(rows, column));
    const known = loads.flatMap((load) => mean(load) ?? []);
    const isPart = loads.some(({ length }, at) => length === 0 && components[at]?.podsReady.length !== 0);
    return known.length === 0 || isPart ? undefined : known.reduce((sum, value) => sum + value);
  };
  const averages = {
    cpuPercent: worst('cpuPercent'),
    memoryBytes: worst('memoryBytes'),
    activeConnections: total('activeConnections'),
    requestRate: total('requestRate'),
    responseTimeP95: worst('responseTimeP95'),
    cacheHitRatio:
      cacheServer === undefined
        ? share(components, 'cacheHitRate', ['cacheHitRate', 'cacheMissRate'])
        : cacheServer.hitRatio,
    errorRatio: share(components, 'errorRate', ['answerRate']),
  };
  const { cpuPercent, memoryBytes, responseTimeP95, cacheHitRatio } = averages;
  return {
    windowSeconds,
    count: Math.max(0, ...components.map(countOf)),
    averages,
    rating: ratingOf({
      policy,
      cpuPercent,
      memoryBytes,
      responseTimeP95: responseTimeP95 === undefined ? undefined : { value: responseTimeP95 },
      cacheHitRatio,
    }),
  };
}

/** Of a load, the snapshots in which every Pod told its own: what some of them do would look like a lower one. */
const ofWhole = (rows: TrendRows, column: Load): Float32Array => {
  const { podsReady, podsAnswered, [`${column}Partial` as const]: partial } = rows;
  return rows[column].filter((_, row) => (podsAnswered[row] ?? NaN) - (partial[row] ?? NaN) >= (podsReady[row] ?? NaN));
};

function mean(column: Float32Array): number | undefined {
  let [sum, count] = [0, 0];
  for (const value of column) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? undefined : sum / count;
}

/** Rows in which any figure is known: a Pod that was not there leaves a row of gaps. */
function countOf(rows: TrendRows): number {
  return rows.podsReady.reduce(
    (count, _, row) => count + Number(figures.some((figure) => !Number.isNaN(rows[figure][row] ?? NaN))),
    0,
  );
}
const figures = [
  'cpuPercent',
  'memoryBytes',
  'activeConnections',
  'requestRate',
  'answerRate',
  'errorRate',
  'responseTimeP95',
  'cacheHitRate',
  'cacheMissRate',
] as const satisfies readonly (keyof TrendRows)[];

/** The share that `part` has of the sum of `whole`, over the rows of all components in which all are known. */
function share(
  components: readonly TrendRows[],
  part: keyof TrendRows,
  whole: readonly (keyof TrendRows)[],
): number | undefined {
  let [some, all] = [0, 0];
  for (const rows of components) {
    for (const [row, value] of rows[part].entries()) {
      const sum = whole.reduce((total, column) => total + (rows[column][row] ?? NaN), 0);
      if (Number.isNaN(value) || Number.isNaN(sum)) continue;
      some += value;
      all += sum;
    }
  }
  return all === 0 ? undefined : some / all;
}
