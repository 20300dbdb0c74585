import type { Logger } from '../kube/logger.ts';
import { failure } from './answer.ts';
import type { CustomMetrics } from './custom-metrics-server.ts';
import type { KeyPair } from './key-pair.ts';
import type { Listening } from './listen.ts';
import { serveSecurely, type SecureServerOptions } from './secure-server.ts';
import { answerView, type ViewsDeps } from './views-server.ts';

export interface ApiOptions extends Omit<SecureServerOptions, 'asksForCertificates'> {
  readonly logger: Logger;
  /** custom.metrics.k8s.io; undefined: not served. */
  readonly customMetrics: CustomMetrics | undefined;
  /** Undefined: not served. */
  readonly views: ViewsDeps | undefined;
}

export interface Api extends Listening {
  keyPair(): KeyPair;
}

/** The one HTTPS server: custom.metrics.k8s.io for the API server, views and /metrics for people and programs with a token. */
export async function serveApi({ customMetrics, views, ...options }: ApiOptions): Promise<Api> {
  const server = await serveSecurely({ ...options, asksForCertificates: customMetrics !== undefined }, (request) => {
    const { url = '/' } = request;
    const isMetricsApi = customMetrics !== undefined && (views === undefined || ofAggregator.test(url));
    if (isMetricsApi) return customMetrics.answer(request, server.keyPair());
    return views === undefined ? failure(404, 'NotFound', 'nothing is served here') : answerView(request, views);
  });
  customMetrics?.onAuthority((ca) => server.trustClients(ca));
  return server;
}

/** What the API server asks of an API behind it. */
const ofAggregator = /^\/(?:apis|openapi\/v[23])(?:[/?]|$)/;
