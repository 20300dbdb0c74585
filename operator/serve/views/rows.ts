import type { ComponentColumn } from '../../metrics/component-window.ts';
import type { RingSlice } from '../../metrics/windows.ts';

/** What trends and histories are made of. */
export const viewColumns = [
  'podsReady',
  'podsAnswered',
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
  'requestRatePartial',
  'inFlightPartial',
  'queuePartial',
  'activeConnectionsPartial',
] as const satisfies readonly ComponentColumn[];
/** Snapshots of one component. */
export type Rows = RingSlice<(typeof viewColumns)[number]>;
