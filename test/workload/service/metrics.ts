import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Where most answers and all targets lie, each a fifth or a quarter above the one before: a percentile between two of them is known to a few percent. */
const dense = [
  0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.85, 1, 1.2, 1.4, 1.7, 2, 2.5, 3, 4, 5,
];
const httpBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, ...dense, 10, 30, 60];
const workflowBuckets = [...dense, 7.5, 10, 15, 20, 25, 30, 40, 60, 120];

/** Written as zeros from the start: a rate needs the point before the first request. */
const servedAtOnce = [
  { http_request_method: 'POST', http_route: '/api/workflow', http_response_status_code: 200 },
  { http_request_method: 'POST', http_route: '/api/workflow', http_response_status_code: 503 },
  { http_request_method: 'GET', http_route: '/api/item/:id', http_response_status_code: 200, cache: 'hit' },
  { http_request_method: 'GET', http_route: '/api/item/:id', http_response_status_code: 200, cache: 'miss' },
];

/** The names of the workload contract, what the operator understands without being told; those of the runtime library come with it. */
export function createMetrics(load: { readonly inFlight: () => number; readonly queued: () => number }) {
  const registry = new Registry();
  const registers = [registry];
  const httpDuration = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from the request line to the last byte of the answer; cache="hit" marks those from the cache.',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code', 'cache'] as const,
    buckets: httpBuckets,
    registers,
  });
  for (const served of servedAtOnce) httpDuration.zero(served);
  const workflowDuration = new Histogram({
    name: 'generation_workflow_duration_seconds',
    help: 'End to end, time in the queue included, also of those that gave up or failed: leaving them out would make an overloaded service look fast.',
    buckets: workflowBuckets,
    registers,
  });
  gauge(registry, 'generation_workflows_in_flight', 'Workflows that have a slot.', load.inFlight);
  gauge(registry, 'generation_queue_length', 'Workflows that wait for a slot.', load.queued);
  gauge(registry, 'process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  processCpu(registry);
  return { registry, httpDuration, workflowDuration };
}

export type Metrics = ReturnType<typeof createMetrics>;

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  const made: Gauge = new Gauge({ name, help, registers: [registry], collect: () => made.set(read()) });
}

/** By hand: prom-client's default metrics bring an event-loop monitor that costs 0.5 % of a core for ever. */
function processCpu(registry: Registry): void {
  const made: Counter = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time.',
    registers: [registry],
    collect: () => {
      const { user, system } = process.cpuUsage();
      made.reset();
      made.inc((user + system) / 1e6);
    },
  });
}
