import type { TrendRows } from '../../decide/trend.ts';
import type { RingSlice } from '../../metrics/windows.ts';

/** What trends and histories are made of. */
export const viewColumns = [
  'podsReady',
  'podsAnswered',
  'podsPartial',
  'requestRate',
  'answerRate',
  'errorRate',
  'cacheHitRate',
  'cacheMissRate',
  'cpuPercent',
  'memoryBytes',
  'activeConnections',
  'responseTimeP95',
  'workflowDurationP95',
  'inFlight',
  'queue',
] as const satisfies readonly (keyof TrendRows | 'workflowDurationP95' | `pods${string}` | 'inFlight' | 'queue')[];
/** Snapshots of one component. */
export type Rows = RingSlice<(typeof viewColumns)[number]>;
