import type { Rows } from '../decide/optimizer/rows.ts';
import { latencyColumns, type ComponentColumn } from './component-window.ts';
import type { RingSlice } from './windows.ts';

/** Columns that rows of the optimizer are made from. */
export const optimizerColumns = [
  'podsReady',
  'podsAnswered',
  'podsCounted',
  'requestRate',
  'answerRate',
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
  const [requests, counted] = [column('answerRate'), column('podsCounted')];
  const [hits, misses] = [column('cacheHitRate'), column('cacheMissRate')];
  const share = (parts: readonly number[], wholeOf: (row: number) => number): readonly number[] =>
    parts.map((part, row) => (wholeOf(row) > 0 ? part / wholeOf(row) : NaN));
  return {
    times: Array.from(times),
    podsReady: column('podsReady'),
    podsAnswered: column('podsAnswered'),
    measures: {
      cpuPercent: column('cpuPercent'),
      memoryPercent: column('memoryPercent'),
      memory: column('memoryBytes'),
      activeConnections: column('activeConnections'),
      requestRate: column('requestRate'),
      requestRatePerPod: share(requests, (row) => counted[row] ?? NaN),
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
