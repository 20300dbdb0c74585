import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Kube } from '../kube/client.ts';
import { openCollection } from '../kube/collection.ts';
import type { Logger } from '../kube/logger.ts';
import type { KubeObject } from '../kube/object.ts';
import { resource } from '../kube/resource.ts';
import type { Collector } from '../metrics/collector.ts';
import { failure, type Answer } from './answer.ts';
import { answerMetricsQuery, isAboutPods } from './custom-metrics.ts';
import { createPeerNames, frontProxyFrom, refusal, type FrontProxy } from './front-proxy.ts';
import type { KeyPair } from './key-pair.ts';
import type { Leading } from './leading.ts';

export interface CustomMetricsOptions {
  readonly kube: Kube;
  readonly collector: Pick<Collector, 'podRatesIn'>;
  readonly leading: Leading;
  readonly logger: Logger;
}

/** custom.metrics.k8s.io, for the API server and for nobody else: a request needs a client certificate of the front proxy. */
export interface CustomMetrics extends AsyncDisposable {
  /** `keyPair`: of our own server; another replica of us, which has verified its caller, shows the same one. */
  answer(request: IncomingMessage, keyPair: KeyPair): Answer | Promise<Answer>;
  /** Calls back with the PEM bundle that signs the front proxy's certificates, now and whenever it changes. */
  onAuthority(listener: (ca: string | undefined) => void): void;
}

interface AuthenticationConfig extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
const configMaps = resource<AuthenticationConfig>({
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
});

/** Until the cluster's request-header CA is known every request is refused. */
export function openCustomMetrics({ kube, collector, leading, logger }: CustomMetricsOptions): CustomMetrics {
  let frontProxy: FrontProxy | undefined;
  const peerName = createPeerNames();
  const listeners: ((ca: string | undefined) => void)[] = [];
  const authentication = openCollection({
    kube,
    logger,
    resource: configMaps,
    namespaces: ['kube-system'],
    fieldSelector: 'metadata.name=extension-apiserver-authentication',
    project: ({ data }) => frontProxyFrom(data),
  });
  authentication.onChange(({ after }) => {
    frontProxy = after;
    if (after === undefined)
      logger.warn('the cluster names no request-header CA: the metrics API refuses every request');
    for (const listener of listeners) listener(after?.ca);
  });
  return {
    onAuthority(listener) {
      listeners.push(listener);
      if (frontProxy !== undefined) listener(frontProxy.ca);
    },
    answer(request, keyPair) {
      const query = { method: request.method ?? '', url: request.url ?? '/' };
      const refused = refusal(request, frontProxy, peerName);
      if (refused !== undefined && !isFromUs(request, keyPair))
        return failure(refused.status, refused.status === 401 ? 'Unauthorized' : 'Forbidden', refused.message);
      if (!leading.leads() && isAboutPods(query)) return leading.forward(request);
      return answerMetricsQuery(query, collector.podRatesIn);
    },
    [Symbol.asyncDispose]: () => authentication[Symbol.asyncDispose](),
  };
}

/** Whether the client has proved that it holds the key of our own certificate: replicas share it. */
const isFromUs = ({ socket }: IncomingMessage, { fingerprint256 }: KeyPair): boolean =>
  socket instanceof TLSSocket && socket.getPeerX509Certificate()?.fingerprint256 === fingerprint256;
