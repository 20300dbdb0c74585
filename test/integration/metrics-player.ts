import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';

/** What one sync of the HPA controller is answered, by Pod; undefined: nothing is known. */
export interface Played {
  /** Percent of a core. */
  readonly cpu?: readonly number[] | undefined;
  /** requests_per_second. */
  readonly requests?: readonly number[] | undefined;
}

type Metric = keyof Played;

/** metrics.k8s.io and custom.metrics.k8s.io in one server, whose every answer a test decides. */
export interface MetricsPlayer extends AsyncDisposable {
  readonly port: number;
  /** PEM. */
  readonly ca: string;
}

export const playedNamespace = 'played';
const groups: Readonly<Record<Metric, string>> = {
  cpu: 'metrics.k8s.io/v1beta1',
  requests: 'custom.metrics.k8s.io/v1beta2',
};

/** @param play Told of each request: what its metric is for the Pods of that app now. */
export async function startMetricsPlayer(
  play: (app: string, metric: Metric) => Promise<readonly number[] | undefined>,
): Promise<MetricsPlayer> {
  const authority = createAuthority('metrics-player');
  const { certificate: cert, key } = issueCertificate(
    { commonName: 'metrics', names: ['metrics.played.svc'] },
    authority,
  );
  const server: Server = createServer({ cert, key }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://metrics');
    const app = /^app=(.+)$/.exec(searchParams.get('labelSelector') ?? '')?.[1];
    const metric = pathname.startsWith(`/apis/${groups.cpu}`) ? 'cpu' : 'requests';
    response.setHeader('content-type', 'application/json');
    const answer = app === undefined ? Promise.resolve(discovery(metric)) : play(app, metric).then(listOf(app, metric));
    void answer.then((body) => response.end(JSON.stringify(body)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    ca: authority.certificate,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

const discovery = (metric: Metric): object => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: groups[metric],
  resources: [
    metric === 'cpu'
      ? { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] }
      : {
          name: 'pods/requests_per_second',
          singularName: '',
          namespaced: true,
          kind: 'MetricValueList',
          verbs: ['get'],
        },
  ],
});

const listOf =
  (app: string, metric: Metric) =>
  (values: readonly number[] = []): object => ({
    kind: metric === 'cpu' ? 'PodMetricsList' : 'MetricValueList',
    apiVersion: groups[metric],
    metadata: {},
    items: values.map((value, index) => (metric === 'cpu' ? usage : rate)(`${app}-${index}`, value)),
  });

const usage = (name: string, percent: number): object => ({
  metadata: { namespace: playedNamespace, name },
  timestamp: new Date().toISOString(),
  window: '15s',
  containers: [{ name: 'app', usage: { cpu: `${10 * percent}m`, memory: '1Mi' } }],
});

const rate = (name: string, value: number): object => ({
  describedObject: { kind: 'Pod', namespace: playedNamespace, name, apiVersion: 'v1' },
  metric: { name: 'requests_per_second', selector: null },
  timestamp: new Date().toISOString(),
  windowSeconds: 15,
  value: `${Math.round(1_000 * value)}m`,
});
