/** The workload contract: what is measured, under which names, in which units. */

/** Signals that a component's sources give; keys of `components[].signals` and of Prometheus queries. */
export const signalNames = [
  'cpu',
  'memory',
  'activeConnections',
  'requestRate',
  'responseTime',
  'cachedResponseTime',
  'workflowDuration',
  'workflowsInFlight',
  'queueLength',
  'errors',
  'cacheRequests',
] as const;
export type SignalName = (typeof signalNames)[number];

/** Metric names that are understood in a pod's Prometheus exposition without configuration. */
export const metricNames = {
  /** Histogram in seconds; label `cache="hit"` marks answers from a cache, `http_response_status_code` the errors. */
  requestDuration: 'http_server_request_duration_seconds',
  /** Histogram in seconds. */
  workflowDuration: 'generation_workflow_duration_seconds',
  /** Gauge. */
  workflowsInFlight: 'generation_workflows_in_flight',
  /** Gauge. */
  queueLength: 'generation_queue_length',
  /** Counter with the labels `level` (l1, l2) and `result` (hit, miss). */
  cacheRequests: 'generation_cache_requests_total',
  /** Gauge in bytes. */
  memory: 'process_resident_memory_bytes',
  /** Counter in seconds. */
  cpu: 'process_cpu_seconds_total',
  /** Gauge: `hash` of the runtime settings that the Pod runs with, read as a hexadecimal number. */
  runtimeConfigHash: 'generation_runtime_config_hash',
} as const;

/** Figures that rules of the scaler and the optimizer compare, with the unit in which their `value` is written. */
export const measures = {
  cpuPercent: 'percent',
  memoryPercent: 'percent',
  memory: 'bytes',
  activeConnections: 'number',
  requestRate: 'number',
  requestRatePerPod: 'number',
  responseTimeAverage: 'duration',
  responseTimeP50: 'duration',
  responseTimeP95: 'duration',
  responseTimeP99: 'duration',
  cachedResponseTimeP95: 'duration',
  workflowDurationP95: 'duration',
  workflowsInFlight: 'number',
  queueLength: 'number',
  errorRatio: 'ratio',
  cacheHitRatio: 'ratio',
} as const satisfies Record<string, 'percent' | 'bytes' | 'number' | 'duration' | 'ratio'>;
export type MeasureName = keyof typeof measures;
