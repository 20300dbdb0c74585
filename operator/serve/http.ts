import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { healthReport, type HealthCheck } from '../kube/health.ts';
import { listen, type Listening } from './listen.ts';

export interface HealthChecks {
  /** For /readyz: may it be sent work? */
  readonly ready: Iterable<HealthCheck>;
  /** For /healthz: would a restart help? Asked anew each time. */
  readonly live: () => Iterable<HealthCheck>;
}

/** Serves /metrics. An empty address switches it off. */
export function serveMetrics(address: string, registry: Registry): Promise<Listening> | undefined {
  return serve(address, { '/metrics': metricsPage(registry) });
}

const metricsPage =
  (registry: MetricsSource) =>
  async (response: ServerResponse): Promise<void> => {
    response.setHeader('content-type', registry.contentType);
    response.end(await registry.metrics());
  };

/** Serves /healthz and /readyz. An empty address switches them off. */
export function serveHealth(address: string, { ready, live }: HealthChecks): Promise<Listening> | undefined {
  return serve(address, {
    '/healthz': (response) => report(response, live()),
    '/readyz': (response) => report(response, ready),
  });
}

export interface AgentPages {
  /** For /readyz: why it is not to be sent requests; undefined where it is. */
  readonly problem: () => Promise<string | undefined>;
  readonly live: Iterable<HealthCheck>;
  /** For /status. */
  readonly report: () => Promise<unknown>;
  readonly metrics: MetricsSource;
}

/** A registry, or what reads something before it is asked. */
interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** Serves what an agent beside a server says of it. */
export function serveAgent(
  address: string,
  { problem, live, report: status, metrics }: AgentPages,
): Promise<Listening> | undefined {
  return serve(address, {
    '/healthz': (response) => report(response, live),
    '/readyz': async (response) => {
      const found = await problem();
      report(response, [{ name: 'serving', problem: () => found }]);
    },
    '/metrics': metricsPage(metrics),
    '/status': async (response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(await status()));
    },
  });
}

function report(response: ServerResponse, checks: Iterable<HealthCheck>): void {
  const { healthy, text } = healthReport(checks);
  response.writeHead(healthy ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

type Routes = Readonly<Record<string, (response: ServerResponse) => void | Promise<void>>>;

function serve(address: string, routes: Routes): Promise<Listening> | undefined {
  if (address === '') return undefined;
  const byPath = new Map(Object.entries(routes));
  const onRequest: RequestListener = (request, response) => {
    const route = byPath.get(request.url?.split('?', 1)[0] ?? '');
    if (route === undefined) response.writeHead(404).end();
    else if (request.method === 'GET' || request.method === 'HEAD') void answer(route, response);
    else response.writeHead(405, { allow: 'GET, HEAD' }).end();
  };
  return listen(createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, onRequest), address);
}

/** A collector of a metric that throws costs its reader an error 500 and nobody else anything. */
async function answer(route: Routes[string], response: ServerResponse): Promise<void> {
  try {
    await route(response);
  } catch (error) {
    response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${String(error)}\n`);
  }
}
