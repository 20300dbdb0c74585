import type { Rows } from '../decide/optimizer/rows.ts';
import { latencyColumns, type ComponentColumn } from './component-window.ts';
import type { RingSlice } from './windows.ts';

/** Columns that rows of the optimizer are made from. */
export const optimizerColumns = [
  'podsReady',
  'podsAnswered',
  'requestRate',
  'errorRate',
  'cacheHitRate',
  'cacheMissRate',
  'cpuPercent',
  'memoryBytes',
  'memoryPercent',
  'inFlight',
  'queue',
  'activeConnections',
  ...latencyColumns,
] as const satisfies readonly ComponentColumn[];
type Column = (typeof optimizerColumns)[number];

/** Rows of a component by the names of the contract. Of an interval in which nothing was counted there is no share. */
export function optimizerRows({ times, figures }: RingSlice<Column>): Rows {
  const column = (name: Column): readonly number[] => Array.from(figures[name]);
  const [requests, answered] = [column('requestRate'), column('podsAnswered')];
  const [hits, misses] = [column('cacheHitRate'), column('cacheMissRate')];
  const share = (parts: readonly number[], wholeOf: (row: number) => number): readonly number[] =>
    parts.map((part, row) => (wholeOf(row) > 0 ? part / wholeOf(row) : NaN));
  return {
    times: Array.from(times),
    podsReady: column('podsReady'),
    podsAnswered: answered,
    measures: {
      cpuPercent: column('cpuPercent'),
      memoryPercent: column('memoryPercent'),
      memory: column('memoryBytes'),
      activeConnections: column('activeConnections'),
      requestRate: requests,
      requestRatePerPod: share(requests, (row) => answered[row] ?? NaN),
      responseTimeAverage: column('responseTimeAverage'),
      responseTimeP50: column('responseTimeP50'),
      responseTimeP95: column('responseTimeP95'),
      responseTimeP99: column('responseTimeP99'),
      cachedResponseTimeP95: column('cachedResponseTimeP95'),
      workflowDurationP95: column('workflowDurationP95'),
      workflowsInFlight: column('inFlight'),
      queueLength: column('queue'),
      errorRatio: share(column('errorRate'), (row) => requests[row] ?? NaN),
      cacheHitRatio: share(hits, (row) => (hits[row] ?? NaN) + (misses[row] ?? NaN)),
    },
  };
}
