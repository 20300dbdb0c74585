import type { Static } from 'typebox';
import { rfc3339 } from '../../api/rfc3339.ts';
import type { Observation } from '../../decide/objectives.ts';
import { isLowerBound, type ComponentFigures } from '../../metrics/component-figures.ts';
import { measuredFrom } from '../../metrics/measured.ts';
import { figure, known, megabytes, sumOf, time, view } from './figures.ts';
import type { ViewInput } from './figures.ts';

/** The guide's own names: what its scripts read, and what the operator reads of a workload. */
export const MonitoringMetrics = view(
  'View B4: the figures of the service under the guide’s names, over the window of the objectives.',
  {
    metrics: view('Of all components: of rates and connections the sum, of everything else the worst.', {
      workflow_execution_time: figure('The percentile that the policy asks for, in seconds.'),
      memory_usage_mb: figure('The highest of a Pod, in units of 2^20 bytes.'),
      success_rate: figure('Share of responses without a 5xx status, 0 to 1.'),
      cpu_percent: figure('Of the limits, else of the requests.'),
      request_rate: figure('Requests per second.'),
      response_time_p95: figure('In seconds.'),
      cache_hit_ratio: figure('0 to 1, from the source that the policy names.'),
      error_rate: figure('Share of responses with a 5xx status, 0 to 1.'),
      active_connections: figure('Requests being served.'),
    }),
    timestamp: time('When this was answered.'),
  },
);
export type MonitoringMetrics = Static<typeof MonitoringMetrics>;

export function monitoringMetrics({ policy, components, redisHitRatio, now }: ViewInput): MonitoringMetrics {
  const { objectives, rating } = measuredFrom({ policy: policy.objectives, components, redisHitRatio });
  const figures = components.flatMap((component) => component.figures ?? []);
  const success = objectives.successRatio?.value;
  return {
    metrics: {
      workflow_execution_time: exactly(objectives.workflowDuration),
      memory_usage_mb: megabytes(objectives.memory?.value),
      success_rate: known(success),
      cpu_percent: known(rating.cpuPercent),
      request_rate: wholeOf(figures, 'requestRate'),
      response_time_p95: exactly(rating.responseTimeP95),
      cache_hit_ratio: known(rating.cacheHitRatio),
      error_rate: known(success === undefined ? undefined : 1 - success),
      active_connections: wholeOf(figures, 'activeConnections'),
    },
    timestamp: rfc3339(now),
  };
}

/** A lower bound would look like less load. */
const wholeOf = (all: readonly ComponentFigures[], name: 'requestRate' | 'activeConnections'): number | null =>
  isLowerBound(all, name) ? null : sumOf(all.map(({ [name]: seen }) => seen?.value));

/** A lower bound would look like a time that was kept. */
const exactly = (seen: Pick<Observation, 'value' | 'atLeast'> | undefined): number | null =>
  seen?.atLeast === true ? null : known(seen?.value);
