import type { Metric } from '../../api/measure.ts';
import { actsWithinHour } from './records.ts';
import type { KeptOptimizer } from './kept.ts';
import type { OptimizerRule } from './rules.ts';

/** What one Ready Pod said last; absent is unknown. */
export interface PodSaid {
  readonly name: string;
  readonly requestRate?: number;
  readonly cpuPercent?: number;
  readonly memoryBytes?: number;
  readonly memoryPercent?: number;
  readonly inFlight?: number;
  readonly queue?: number;
  readonly activeConnections?: number;
}

/** Metrics of which it is known what each Pod has of them. A response time of the component is nobody's in particular. */
const figures: Readonly<Partial<Record<Metric, Exclude<keyof PodSaid, 'name'>>>> = {
  cpuPercent: 'cpuPercent',
  memory: 'memoryBytes',
  memoryPercent: 'memoryPercent',
  activeConnections: 'activeConnections',
  requestRatePerPod: 'requestRate',
  workflowsInFlight: 'inFlight',
  queueLength: 'queue',
};

export const tellsPodsApart = (metric: Metric): boolean => figures[metric] !== undefined;

/** Ready Pods with what the rule complains of, the worst first, `most` at most; beside the worst only those that are beyond the value themselves. One that says nothing is not known to be the worst. */
export function worstPods(
  { metric, operator, value }: Pick<OptimizerRule, 'metric' | 'operator' | 'value'>,
  pods: readonly PodSaid[],
  most: number,
): readonly { readonly name: string; readonly saw: number }[] {
  const figure = figures[metric];
  if (figure === undefined) return [];
  const up = operator === 'GreaterThan' ? 1 : -1;
  return pods
    .flatMap(({ name, [figure]: saw }) => (saw === undefined ? [] : [{ name, saw }]))
    .toSorted((a, b) => up * (b.saw - a.saw))
    .filter(({ saw }, rank) => rank === 0 || up * (saw - value) > 0)
    .slice(0, most);
}

/** How many Pods a rule may evict now: its step, what the hour has left of its bounds, and never the last one. */
export function mayEvict(
  { bounds }: Pick<OptimizerRule, 'bounds'>,
  { name, readyPods }: { readonly name: string; readonly readyPods: number },
  kept: KeptOptimizer,
  now: number,
): number {
  const gone = actsWithinHour(kept, now)
    .filter(({ component }) => component === name)
    .reduce((sum, { evicted = 0 }) => sum + evicted, 0);
  const { step, max } = bounds ?? { step: 0, max: 0 };
  return Math.max(0, Math.floor(Math.min(step, max - gone, readyPods - 1)));
}
