import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kube } from '../kube/client.ts';
import { openCollection } from '../kube/collection.ts';
import type { Logger } from '../kube/logger.ts';
import type { KubeObject } from '../kube/object.ts';
import { resource } from '../kube/resource.ts';
import type { Collector } from '../metrics/collector.ts';
import { answerMetricsQuery, failure, type MetricsAnswer } from './custom-metrics.ts';
import { frontProxyFrom, refusal, type FrontProxy } from './front-proxy.ts';
import { listen, type Listening } from './listen.ts';

export interface CustomMetricsOptions {
  /** `:8443`; see {@link listen}. */
  readonly address: string;
  /** Folder with tls.crt and tls.key, as a Secret of type kubernetes.io/tls is mounted. Read again when they change. */
  readonly certDir: string;
  readonly kube: Kube;
  readonly collector: Pick<Collector, 'podRatesIn'>;
  readonly logger: Logger;
  /** How often the files are looked at; default 30 s. */
  readonly lookEveryMs?: number;
  /** Ends the looking after the files. */
  readonly signal: AbortSignal;
}

interface KeyPair {
  readonly cert: string;
  readonly key: string;
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

/**
 * Serves custom.metrics.k8s.io to the API server and to nobody else: a request needs a client certificate of the front proxy.
 * Until the cluster's request-header CA is known every request is refused.
 *
 * @throws when the certificate cannot be read or the address cannot be had.
 */
export async function serveCustomMetrics(options: CustomMetricsOptions): Promise<Listening> {
  const { certDir, kube, logger, signal, lookEveryMs = 30_000 } = options;
  let keyPair = await readKeyPair(certDir);
  let frontProxy: FrontProxy | undefined;
  const tls = (pair: KeyPair) => ({
    ...pair,
    ...(frontProxy === undefined ? {} : { ca: frontProxy.ca }),
    minVersion: 'TLSv1.2' as const,
  });
  const server = createServer({ ...tls(keyPair), requestCert: true, rejectUnauthorized: false }, (request, response) =>
    send(response, answer(request, frontProxy, options)),
  );
  const stack = new AsyncDisposableStack();
  const authentication = stack.use(
    openCollection({
      kube,
      logger,
      resource: configMaps,
      namespaces: ['kube-system'],
      fieldSelector: 'metadata.name=extension-apiserver-authentication',
      project: ({ data }) => frontProxyFrom(data),
    }),
  );
  authentication.onChange(({ after }) => {
    frontProxy = after;
    if (after === undefined)
      logger.warn('the cluster names no request-header CA: the metrics API refuses every request');
    server.setSecureContext(tls(keyPair));
  });
  const ended = new AbortController();
  stack.defer(() => ended.abort());
  void followKeyPair(
    { certDir, logger, lookEveryMs, initial: keyPair, signal: AbortSignal.any([signal, ended.signal]) },
    (next) => {
      server.setSecureContext(tls(next)); // throws where the two do not belong together: one file is written before the other
      keyPair = next;
    },
  );
  const listening = stack.use(await listen(server, options.address));
  return { port: listening.port, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function answer(
  request: IncomingMessage,
  frontProxy: FrontProxy | undefined,
  { collector, logger }: CustomMetricsOptions,
): MetricsAnswer {
  try {
    const refused = refusal(request, frontProxy);
    if (refused !== undefined)
      return failure(refused.status, refused.status === 401 ? 'Unauthorized' : 'Forbidden', refused.message);
    return answerMetricsQuery({ method: request.method ?? '', url: request.url ?? '/' }, collector.podRatesIn);
  } catch (error) {
    logger.error('the metrics API could not answer', { url: request.url, error });
    return failure(500, 'InternalError', 'the metrics API could not answer; the log of the operator says why');
  }
}

function send(response: ServerResponse, { status, body }: MetricsAnswer): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}

async function readKeyPair(certDir: string): Promise<KeyPair> {
  const [cert, key] = await Promise.all(['tls.crt', 'tls.key'].map((file) => readFile(join(certDir, file), 'utf8')));
  return { cert: cert ?? '', key: key ?? '' };
}

/** Looks again and again: a mounted Secret changes by a link that is exchanged, which no file watch sees reliably. */
async function followKeyPair(
  {
    certDir,
    initial,
    logger,
    lookEveryMs,
    signal,
  }: Required<Pick<CustomMetricsOptions, 'certDir' | 'logger' | 'lookEveryMs' | 'signal'>> & {
    readonly initial: KeyPair;
  },
  onChange: (next: KeyPair) => void,
): Promise<void> {
  let current = initial;
  while (!signal.aborted) {
    try {
      await pause(lookEveryMs, undefined, { signal, ref: false });
      const next = await readKeyPair(certDir);
      if (next.cert === current.cert && next.key === current.key) continue;
      current = next;
      onChange(next);
      logger.info('the metrics API has a new certificate');
    } catch (error) {
      if (!signal.aborted)
        logger.error('the certificate of the metrics API cannot be taken over; the old one stays', { error });
    }
  }
}
