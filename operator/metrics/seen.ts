import type { Metric } from '../api/measure.ts';
import type { Seen } from '../decide/score.ts';
import type { ComponentFigures, Timed } from './component-figures.ts';
import { mean, quantile, type Histogram } from './histogram.ts';

/** Below this share of Pods that answer, nothing is known of the component. */
const leastAnswering = 0.7;

/** What rules compare, by the names of the contract. Of a component whose Pods are silent nothing is seen; where a counter is there and counted nothing, what would be measured by it is idle. */
export function seenOf(figures: ComponentFigures): Seen {
  const { podsReady, podsAnswered, histograms } = figures;
  if (podsAnswered === 0 || podsAnswered < leastAnswering * podsReady) return {};
  const { responseTime, cachedResponseTime, workflowDuration } = histograms;
  const value = (figure: Timed | undefined): number | undefined => figure?.value;
  return {
    cpuPercent: value(figures.cpuPercent),
    memoryPercent: value(figures.memoryPercent),
    memory: value(figures.memoryBytes),
    activeConnections: value(figures.activeConnections),
    requestRate: value(figures.requestRate),
    requestRatePerPod: value(figures.requestRatePerPod),
    responseTimeAverage: of(responseTime, mean),
    responseTimeP50: of(responseTime, at(0.5)),
    responseTimeP95: of(responseTime, at(0.95)),
    responseTimeP99: of(responseTime, at(0.99)),
    cachedResponseTimeP95: of(cachedResponseTime, at(0.95)),
    workflowDurationP95: of(workflowDuration, at(0.95)),
    workflowsInFlight: value(figures.inFlight),
    queueLength: value(figures.queue),
    errorRatio: shareOf(figures.errorRatio, figures.answerRate),
    cacheHitRatio: shareOf(figures.cacheHitRatio, figures.lookupRate),
  };
}

const at =
  (share: number) =>
  (histogram: Histogram): number | undefined =>
    quantile(histogram, share)?.value;

const of = (histogram: Histogram | undefined, figure: (histogram: Histogram) => number | undefined) =>
  histogram?.count === 0 ? 'idle' : histogram && figure(histogram);

const shareOf = (share: Timed | undefined, whole: Timed | undefined): number | 'idle' | undefined =>
  share?.value ?? (whole?.value === 0 ? 'idle' : undefined);

/** When what stands behind a metric was measured last, ms since the epoch; undefined: it is not known. */
export function observedAtOf(figures: ComponentFigures, metric: Metric): number | undefined {
  const { responseTime, cachedResponseTime, workflowDuration } = figures.histograms;
  const behind: Readonly<Partial<Record<Metric, { readonly observedAt: number } | undefined>>> = {
    cpuPercent: figures.cpuPercent,
    memoryPercent: figures.memoryPercent,
    memory: figures.memoryBytes,
    activeConnections: figures.activeConnections,
    requestRate: figures.requestRate,
    requestRatePerPod: figures.requestRatePerPod,
    responseTimeAverage: responseTime,
    responseTimeP50: responseTime,
    responseTimeP95: responseTime,
    responseTimeP99: responseTime,
    cachedResponseTimeP95: cachedResponseTime,
    workflowDurationP95: workflowDuration,
    workflowsInFlight: figures.inFlight,
    queueLength: figures.queue,
    errorRatio: figures.errorRatio ?? figures.answerRate,
    cacheHitRatio: figures.cacheHitRatio ?? figures.lookupRate,
  };
  return behind[metric]?.observedAt;
}
