import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { leverNames } from '../api/lever-names.ts';
import { sourceTypes } from '../api/metric-source.ts';
import { actionOutcomes, optimizerActions } from '../api/optimizer.ts';

/** The loops, as their queues are named. */
const controllers = ['generation-service', 'performance-policy', 'scaler', 'objectives', 'optimizer'] as const;
export type Controller = (typeof controllers)[number];
const reconcileResults = ['success', 'error'] as const;
const leverResults = ['applied', 'refused', 'failed'] as const;
export const watchFailures = ['silent', 'expired', 'error'] as const;
const scalingActions = ['ScaleUp', 'ScaleDown', 'Hold'] as const;

/** Everything that the operator says of itself to Prometheus; docs/reference/metrics.md is generated from it. */
export function createMetrics(registry = new Registry()): Metrics {
  const metrics = declareMetrics(registry);
  beginAtZero(metrics);
  return metrics;
}
export type Metrics = ReturnType<typeof declareMetrics>;

function declareMetrics(registry: Registry) {
  const registers = [registry];
  return {
    registry,
    reconciles: new Counter({
      name: 'genops_reconcile_total',
      help: 'Reconciles by controller and result.',
      labelNames: ['controller', 'result'] as const,
      registers,
    }),
    reconcileDuration: new Histogram({
      name: 'genops_reconcile_duration_seconds',
      help: 'How long one reconcile took.',
      labelNames: ['controller'] as const,
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
      registers,
    }),
    queueDepth: new Gauge({
      name: 'genops_workqueue_depth',
      help: 'Keys that wait for a worker.',
      labelNames: ['controller'] as const,
      registers,
    }),
    queueDuration: new Histogram({
      name: 'genops_workqueue_queue_duration_seconds',
      help: 'How long a key waited for a worker, counted from when it was due.',
      labelNames: ['controller'] as const,
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
      registers,
    }),
    watchStarts: new Counter({
      name: 'genops_watch_starts_total',
      help: 'Lists and watches that began: `list` reads everything, `resume` goes on where a watch ended, `watch` after a failure.',
      labelNames: ['resource', 'what'] as const,
      registers,
    }),
    watchFailures: new Counter({
      name: 'genops_watch_failures_total',
      help: 'Watches that ended otherwise than by their own time-out: nothing was heard, what came after is no longer known, or an error.',
      labelNames: ['resource', 'why'] as const,
      registers,
    }),
    leader: new Gauge({ name: 'genops_leader', help: '1 while this process holds the Lease, else 0.', registers }),
    scalingDecisions: new Counter({
      name: 'genops_scaling_decisions_total',
      help: 'Decisions of the scaler by action.',
      labelNames: ['action'] as const,
      registers,
    }),
    optimizerActions: new Counter({
      name: 'genops_optimizer_actions_total',
      help: 'Actions of the optimizer by what became of them.',
      labelNames: ['action', 'outcome'] as const,
      registers,
    }),
    leverChanges: new Counter({
      name: 'genops_lever_changes_total',
      help: 'Changes that a lever attempted, by their result.',
      labelNames: ['lever', 'result'] as const,
      registers,
    }),
    drift: new Counter({
      name: 'genops_drift_total',
      help: 'Settings found changed by someone else after they had been in force.',
      labelNames: ['lever'] as const,
      registers,
    }),
    sourceErrors: new Counter({
      name: 'genops_metric_source_errors_total',
      help: 'Failed reads of a metric source.',
      labelNames: ['source'] as const,
      registers,
    }),
  };
}

/** A rate needs the point before the first event. */
function beginAtZero(metrics: Metrics): void {
  for (const controller of controllers)
    for (const result of reconcileResults) metrics.reconciles.inc({ controller, result }, 0);
  for (const lever of leverNames) {
    metrics.drift.inc({ lever }, 0);
    for (const result of leverResults) metrics.leverChanges.inc({ lever, result }, 0);
  }
  for (const action of optimizerActions)
    for (const outcome of actionOutcomes) metrics.optimizerActions.inc({ action, outcome }, 0);
  for (const action of scalingActions) metrics.scalingDecisions.inc({ action }, 0);
  for (const source of sourceTypes) metrics.sourceErrors.inc({ source }, 0);
}

/** Process and event-loop metrics. At 100 ms the loop monitor costs 0.05 % of a core; at prom-client's own 10 ms ten times as much, for ever. */
export function collectProcessMetrics({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
}
