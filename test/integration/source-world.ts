import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import type { PodView } from '../../operator/metrics/pod-view.ts';
import type { Reading } from '../../operator/metrics/reading.ts';
import { prometheusSource, type PrometheusSourceOptions } from '../../operator/metrics/sources/prometheus.ts';
import type { PrometheusServers } from '../../operator/metrics/sources/prometheus-server.ts';
import type { Source } from '../../operator/metrics/sources/source.ts';
import { podServing } from '../world/pod-view.ts';

/** What stands for Pods and servers here is on loopback. */
export const guard = createAddressGuard({ widen: ['127.0.0.0/8', '::1/128'] });

export const viewOf = (name: string, port = 9_100): PodView =>
  podServing(name, port, { ports: [{ name: 'http', containerPort: port }] });

export const timeoutMs = 2_000;
export async function look(source: Source, pod: PodView): Promise<Reading> {
  const result = await source.read(pod, AbortSignal.timeout(timeoutMs));
  if (result.result === 'failed') throw new Error(`${result.failure.reason}: ${result.failure.message}`);
  return result.reading;
}
export const failureOf = async (source: Source, pod: PodView) => {
  const result = await source.read(pod, AbortSignal.timeout(timeoutMs));
  return result.result === 'failed' ? result.failure : undefined;
};

export const secretless = () => Promise.resolve(undefined);
export const sourceAt = (
  servers: PrometheusServers,
  url: string,
  more: Partial<Pick<PrometheusSourceOptions, 'queries' | 'signals' | 'namespace' | 'intervalMs' | 'timeoutMs'>> & {
    readonly secret?: string;
  } = {},
): Source => {
  const { secret, ...options } = more;
  return prometheusSource({
    servers,
    server: { url, secret: secret === undefined ? undefined : { namespace: 'ai', name: secret } },
    namespace: 'ai',
    intervalMs: 500,
    timeoutMs,
    ...options,
  });
};

export async function listening(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export const jsonHead = (response: ServerResponse): ServerResponse =>
  response.setHeader('content-type', 'application/json');
export const json = (response: ServerResponse, body: unknown): void =>
  void jsonHead(response).end(JSON.stringify(body));
