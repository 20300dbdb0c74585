import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { resource } from '../kube/resource.ts';
import { createAddressGuard, type Endpoint } from '../metrics/address-guard.ts';
import type { ConnectionsOptions } from '../metrics/sources/connections.ts';
import { UsageError } from './command.ts';

export interface MetricAddresses {
  /** --allow-metric-address */
  readonly allow: readonly string[];
  /** URL of the API server. */
  readonly server: string;
  /** What {@link apiServerEndpoints} found. */
  readonly endpoints: readonly Endpoint[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What may be dialled for metrics: of Pods, and of hosts that users name, which are never the API server. */
export async function metricGuards({
  allow,
  server,
  endpoints,
  env,
}: MetricAddresses): Promise<ConnectionsOptions['guards']> {
  const widen = allow.map((network) => network.trim()).filter((network) => network !== '');
  const url = URL.parse(server);
  const named = [url === null ? undefined : hostOf(url), env['KUBERNETES_SERVICE_HOST']].filter(
    (one) => one !== undefined,
  );
  const refuse = (await Promise.all(named.map(addressesOf))).flat();
  try {
    return { pods: createAddressGuard({ widen }), hosts: createAddressGuard({ widen, refuse, refuseAt: endpoints }) };
  } catch (error) {
    if (!Error.isError(error) || error.name !== 'RangeError') throw error;
    throw new UsageError(`--allow-metric-address: ${error.message}`, { cause: error });
  }
}

interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly { readonly addresses: readonly string[] }[] | null;
  readonly ports?: readonly { readonly port?: number }[] | null;
}
const endpointSlices = resource<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
});
/** Of the Service `kubernetes`: all API servers. */
const ofApiServers = { namespace: 'default', labelSelector: 'kubernetes.io/service-name=kubernetes' };

/**
 * Where API servers are behind the address that the operator asks: what the one that answers says of itself, which everybody may read,
 * and all of them where the operator may list EndpointSlices. Empty where nobody says.
 */
export async function apiServerEndpoints(
  kube: Pick<Kube, 'raw' | 'list'>,
  signal: AbortSignal,
): Promise<readonly Endpoint[]> {
  const known = <Answer>(asked: Promise<Answer>): Promise<Answer | undefined> =>
    asked.catch((error: unknown) => {
      if (error instanceof ApiError || signal.aborted) return undefined;
      throw error;
    });
  const [versions, slices = []] = await Promise.all([
    known(kube.raw({ path: '/api', verb: 'get', target: 'the address of the API server' }, signal)),
    known(kube.list(endpointSlices, ofApiServers, signal)),
  ]);
  const hosts = [...advertisedBy(versions), ...slices.flatMap(endpointsOf)];
  const found = hosts.map(async ({ address: host, port }) =>
    (await addressesOf(host)).map((address) => ({ address, port })),
  );
  return (await Promise.all(found)).flat();
}

/** Of the document at /api; a host may be a name. */
function advertisedBy(document: unknown): readonly Endpoint[] {
  const { serverAddressByClientCIDRs: all = [] } = (document ?? {}) as {
    readonly serverAddressByClientCIDRs?: readonly { readonly serverAddress?: string }[];
  };
  return all.flatMap(({ serverAddress = '' }) => {
    const url = URL.parse(`https://${serverAddress}`);
    return url === null ? [] : [{ address: hostOf(url), port: Number(url.port || 443) }];
  });
}

const endpointsOf = ({ endpoints, ports }: EndpointSlice): readonly Endpoint[] =>
  (endpoints ?? []).flatMap(({ addresses }) =>
    addresses.flatMap((address) =>
      (ports ?? []).flatMap(({ port }) => (port === undefined ? [] : [{ address, port }])),
    ),
  );

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** --prometheus-url; undefined where it is not given, or is an empty variable. */
export function prometheusUrl(text = ''): string | undefined {
  if (text.trim() === '') return undefined;
  const protocol = URL.parse(text)?.protocol;
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new UsageError(`saw --prometheus-url ${text}; wanted a URL, for example http://prometheus.monitoring:9090`);
  return text;
}

/** None of a name that nobody knows: the operator would not reach the API server either. */
async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  return lookup(host, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  );
}
