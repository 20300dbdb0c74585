import { Histogram, type Registry } from 'prom-client';
import { metricNames } from '../api/contract.ts';
import { declare, type Figure } from './figures.ts';

export interface WorkloadLoad {
  /** Workflows that are worked at. */
  readonly inFlight: () => number;
  /** Those that wait until they may begin. */
  readonly queued: () => number;
}

/** Where most answers and all targets lie, each a fifth or a quarter above the one before: a percentile between two of them is known to a few percent. */
const dense = [
  0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.85, 1, 1.2, 1.4, 1.7, 2, 2.5, 3, 4, 5,
];
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, ...dense, 10, 30, 60];
const workflowBuckets = [...dense, 7.5, 10, 15, 20, 25, 30, 40, 60, 120];

/**
 * What the operator understands of a workload without being told: the names of docs/workload-contract.md. Those of the process are left out where the registry has them already (prom-client's `collectDefaultMetrics`).
 *
 * @returns Two histograms: `observe` them in seconds, and write those labels that you know as `zero` at the start: a rate needs the point before the first request.
 */
export function workloadMetrics(registry: Registry, { inFlight, queued }: WorkloadLoad) {
  const registers = [registry];
  const requestDuration = new Histogram({
    name: metricNames.requestDuration,
    help: 'Time from the request line to the last byte of the answer; cache="hit" marks those from the cache.',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code', 'cache'] as const,
    buckets: requestBuckets,
    registers,
  });
  const workflowDuration = new Histogram({
    name: metricNames.workflowDuration,
    help: 'End to end, time in the queue included, also of those that gave up or failed: leaving them out would make an overloaded service look fast.',
    buckets: workflowBuckets,
    registers,
  });
  declare(registry, {
    [metricNames.workflowsInFlight]: ['Workflows that are worked at.', inFlight],
    [metricNames.queueLength]: ['Workflows that wait until they may begin.', queued],
  });
  const missing = Object.entries(ofProcess).filter(([name]) => registry.getSingleMetric(name) === undefined);
  declare(registry, Object.fromEntries(missing));
  return { requestDuration, workflowDuration };
}

export type WorkloadMetrics = ReturnType<typeof workloadMetrics>;

/** By hand: prom-client's default metrics bring an event-loop monitor that costs 0.5 % of a core for ever. */
const ofProcess: Readonly<Record<string, Figure>> = {
  [metricNames.memory]: ['Resident memory.', () => process.memoryUsage.rss()],
  [metricNames.cpu]: ['User and system CPU time.', () => seconds(process.cpuUsage())],
};

const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6;
