import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LoadBalancerReport } from '../api/load-balancer-report.ts';

export interface AgentSources {
  readonly report: () => Promise<LoadBalancerReport>;
  readonly figures: () => Promise<AgentFigures>;
}

/** What /status does not say. */
export interface AgentFigures {
  /** What nginx has loaded; undefined: nothing yet. */
  readonly generation: string | undefined;
  /** Of clients; undefined: nginx does not say. */
  readonly connections: number | undefined;
  /** Configurations and certificates that nginx did not take, since the beginning. */
  readonly rejections: number;
  /** Requests of which nothing was heard, since the beginning. */
  readonly lost: number;
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

export function createAgentMetrics({ report, figures }: AgentSources, registry = new Registry()): AgentMetrics {
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
  const [ofReport, ofFigures] = [reportMetrics(registers), figureMetrics(registers)];
  return {
    page: {
      contentType: registry.contentType,
      async metrics() {
        const [said, seen] = [await report(), await figures()]; // before any of them is written: prom-client asks them all at once
        ofReport(said);
        ofFigures(seen, said);
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

const gaugeOf = (registers: Registry[], name: string, help: string): Gauge =>
  new Gauge({ name: `genops_nginx_${name}`, help, registers });

/** Of a figure that counts up from the agent's beginning. */
function countOf(registers: Registry[], name: string, help: string): (value: number) => void {
  const counter = new Counter({ name: `genops_nginx_${name}_total`, help, registers });
  return (value) => {
    counter.reset();
    counter.inc(value);
  };
}

/** What /status says, as figures. */
function reportMetrics(registers: Registry[]): (report: LoadBalancerReport) => void {
  const loads = countOf(registers, 'loads', 'Configurations loaded.');
  const rejected = gaugeOf(registers, 'rejected', 'Whether nginx does not take what is declared: 0 or 1.');
  const draining = gaugeOf(registers, 'draining_workers', 'Workers of earlier configurations that still end requests.');
  const weight = new Gauge({
    name: 'genops_nginx_weight',
    help: 'Weight of a Pod beside the others of its upstream, 1 to 100.',
    labelNames: ['upstream', 'pod'] as const,
    registers,
  });
  return ({ loads: count, rejected: refusal, drainingWorkers, loaded }) => {
    loads(count);
    rejected.set(refusal === undefined ? 0 : 1);
    draining.set(drainingWorkers);
    weight.reset(); // Pods that are gone
    for (const [upstream, { pods }] of Object.entries(loaded?.weights ?? {}))
      for (const { pod, server, weight: value } of pods) weight.set({ upstream, pod: pod ?? server }, value);
  };
}

/** What it does not say. */
function figureMetrics(registers: Registry[]): (figures: AgentFigures, report: LoadBalancerReport) => void {
  const info = new Gauge({
    name: 'genops_nginx_info',
    help: 'Always 1: what nginx has loaded, of which settings, and its version.',
    labelNames: ['generation', 'settings', 'version'] as const,
    registers,
  });
  const connections = gaugeOf(registers, 'connections', 'Connections of clients, idle ones too.');
  const rejections = countOf(registers, 'rejections', 'Configurations and certificates that nginx did not take.');
  const lost = countOf(registers, 'requests_lost', 'Requests that nginx told of and the kernel had no room for.');
  return ({ generation, ...seen }, { loaded, serverVersion: version }) => {
    info.reset(); // of the generation before
    if (generation !== undefined) info.set({ generation, settings: loaded?.hash ?? '', version }, 1);
    connections.set(seen.connections ?? Number.NaN);
    rejections(seen.rejections);
    lost(seen.lost);
  };
}
