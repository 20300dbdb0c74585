import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LoadBalancerReport } from '../api/load-balancer-report.ts';

export interface AgentSources {
  readonly report: () => Promise<LoadBalancerReport>;
  /** Requests of which nothing was heard, since the beginning. */
  readonly lost: () => Promise<number>;
}

const results = ['Served', 'Failed', 'Shed', 'Cut'] as const;

interface Try {
  readonly result: (typeof results)[number];
  readonly startMs: number;
  readonly endMs: number;
}

/** What the agent beside nginx says of it and of itself; docs/levers/nginx.md has the list. */
export interface AgentMetrics {
  readonly page: MetricsPage;
  /** Of each request that nginx has passed on. */
  note(request: { readonly upstream: string; readonly tries: readonly Try[] }): void;
}

export interface MetricsPage {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export function createAgentMetrics({ report, lost }: AgentSources, registry = new Registry()): AgentMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: 'genops_nginx_upstream_duration_seconds',
    help: 'From a request to the answer of a Pod, as nginx measures it; of answers without an error.',
    labelNames: ['upstream'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  const requests = new Counter({
    name: 'genops_nginx_upstream_requests_total',
    help: 'Requests to Pods, each attempt by itself. Failed: answered with 5xx or not at all; Shed: answered with 429; Cut: the client went away.',
    labelNames: ['upstream', 'result'] as const,
    registers,
  });
  const ofReport = reportGauges(registers);
  const lostBefore = new Gauge({
    name: 'genops_nginx_requests_lost',
    help: 'Requests that nginx told of and the kernel had no room for, since the agent began.',
    registers,
  });
  return {
    page: {
      contentType: registry.contentType,
      async metrics() {
        ofReport(await report()); // before any of them is written: prom-client asks them all at once
        lostBefore.set(await lost());
        return registry.metrics();
      },
    },
    note({ upstream, tries }) {
      for (const { result, startMs, endMs } of tries) {
        if (result === 'Served') duration.observe({ upstream }, (endMs - startMs) / 1_000);
        for (const each of results) requests.inc({ upstream, result: each }, each === result ? 1 : 0);
      }
    },
  };
}

/** What /status says, as figures. */
function reportGauges(registers: Registry[]): (report: LoadBalancerReport) => void {
  const gauge = (name: string, help: string) => new Gauge({ name: `genops_nginx_${name}`, help, registers });
  const loads = gauge('loads', 'Configurations loaded since the agent began.');
  const rejected = gauge('rejected', 'Whether nginx did not take what is declared: 0 or 1.');
  const draining = gauge('draining_workers', 'Workers of earlier configurations that still end requests.');
  const weight = new Gauge({
    name: 'genops_nginx_weight',
    help: 'Weight of a Pod beside the others of its upstream, 1 to 100.',
    labelNames: ['upstream', 'pod'] as const,
    registers,
  });
  return ({ loads: count, rejected: refusal, drainingWorkers, loaded }) => {
    loads.set(count);
    rejected.set(refusal === undefined ? 0 : 1);
    draining.set(drainingWorkers);
    weight.reset(); // Pods that are gone
    for (const [upstream, { pods }] of Object.entries(loaded?.weights ?? {}))
      for (const { pod, server, weight: value } of pods) weight.set({ upstream, pod: pod ?? server }, value);
  };
}
