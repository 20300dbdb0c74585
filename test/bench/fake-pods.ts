/** What the Pods of the services and a metrics-server would answer, without a node: a page of metrics for each Pod, and metrics.k8s.io for the API server. A process of its own: its time is nobody's in the benchmark. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Place } from './manifests.ts';

export interface FakePodsInput {
  readonly places: readonly Place[];
  /** How many ports the Pods share: a scraper has one connection to each. */
  readonly ports: number;
  /** PEM, of metrics.k8s.io. */
  readonly tls: { readonly cert: string; readonly key: string };
}

export interface FakePodsAnswer {
  readonly podPorts: readonly number[];
  readonly metricsPort: number;
}

/** Of a target of 100 a Pod: nobody scales. */
const requestsPerSecond = 20;
const root = '/apis/metrics.k8s.io/v1beta1';

const [{ places, ports, tls }] = (await once(process, 'message')) as [FakePodsInput];
process.once('disconnect', () => process.exit(0));
const podPorts = await Promise.all(Array.from({ length: ports }, () => portOf(createServer(servePage))));
const metricsPort = await portOf(createSecureServer(tls, serveUsage));
process.send?.({ podPorts, metricsPort } satisfies FakePodsAnswer);

async function portOf(server: Server): Promise<number> {
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

function servePage(...[, response]: Parameters<NonNullable<Parameters<typeof createServer>[1]>>): void {
  const count = Math.floor((performance.now() * requestsPerSecond) / 1_000);
  const name = 'http_server_request_duration_seconds';
  const buckets = [0.1, 0.5, 1, '+Inf'].map((le) => `${name}_bucket{le="${le}"} ${count}`);
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.end(
    [`# TYPE ${name} histogram`, ...buckets, `${name}_sum ${count / 20}`, `${name}_count ${count}`, ''].join('\n'),
  );
}

/** The two Pods of every service, or of that which a selector `app=NAME` chooses, using a half of what they ask for, which moves: so each sync has a status to write. */
function serveUsage(...[request, response]: Parameters<NonNullable<Parameters<typeof createServer>[1]>>): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'https://metrics');
  const [, namespace] = new RegExp(`^${root}/namespaces/([^/]+)/pods$`).exec(pathname) ?? [];
  response.setHeader('content-type', 'application/json');
  if (namespace === undefined) {
    const resources = [
      { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
    ];
    response.end(
      JSON.stringify({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'metrics.k8s.io/v1beta1', resources }),
    );
    return;
  }
  const now = Date.now();
  const moving = Math.floor(now / 1_000) % 10;
  const usage = { cpu: `${45 + moving}m`, memory: `${60 + moving}Mi` };
  const selector = searchParams.get('labelSelector');
  const chosen = places.filter((one) => one.namespace === namespace && (!selector || selector === `app=${one.name}`));
  const items = chosen.flatMap(({ name }) =>
    [0, 1].map((index) => ({
      metadata: { namespace, name: `${name}-${index}`, labels: { app: name } },
      timestamp: new Date(now).toISOString(),
      window: '30s',
      containers: [{ name: 'service', usage }],
    })),
  );
  response.end(JSON.stringify({ kind: 'PodMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items }));
}
