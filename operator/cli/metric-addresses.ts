import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, isRefusal } from '../kube/api-error.ts';
import { backoffMs } from '../kube/backoff.ts';
import type { Kube } from '../kube/client.ts';
import { endpointSlices, serviceLabel, type EndpointSlice } from '../kube/endpoint-slice.ts';
import type { Logger } from '../kube/logger.ts';
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

/** Of the Service `kubernetes`: all API servers. */
const ofApiServers = { namespace: 'default', labelSelector: `${serviceLabel}=kubernetes` };

/**
 * Where API servers are behind the address that the operator asks: what the one that answers says of itself, which everybody may read,
 * and all of them where the operator may list EndpointSlices. Empty where nobody says, or `signal` is aborted before one does.
 */
export async function apiServerEndpoints(
  kube: Pick<Kube, 'raw' | 'list'>,
  logger: Pick<Logger, 'warn'>,
  signal: AbortSignal,
): Promise<readonly Endpoint[]> {
  const about = { path: '/api', verb: 'get', target: 'the address of the API server' } as const;
  const [versions, slices] = await Promise.all([
    answerTo(() => kube.raw(about, signal), logger, signal),
    answerTo(() => kube.list(endpointSlices, ofApiServers, signal), logger, signal),
  ]);
  const hosts = [...advertisedBy(versions.answer), ...(slices.answer ?? []).flatMap(endpointsOf)];
  if (hosts.length === 0 && !signal.aborted) logger.warn(unguarded, { error: versions.error });
  const found = hosts.map(async ({ address: host, port }) =>
    (await addressesOf(host)).map((address) => ({ address, port })),
  );
  return (await Promise.all(found)).flat();
}

const unguarded =
  'metric sources are kept from the API server only at the address that the operator asks it at: its own, behind that, are not known; next: let what stands before it pass on GET /api, or the operator list EndpointSlices in default, and start the operator anew';

interface Asked<Answer> {
  readonly answer?: Answer;
  /** Why there is none: it is not there, or not ours to know. */
  readonly error?: ApiError;
}

const retry = { baseMs: 500, capMs: 5_000 };
/** What a proxy before the API server says of a path that it does not pass on. */
const unknownThere: ReadonlySet<number> = new Set([400, 405, 501]);

/** Asked until it is answered: a guard that was made while the API server was slow or down would not know it for as long as the process runs. */
async function answerTo<Answer>(
  ask: () => Promise<Answer>,
  logger: Pick<Logger, 'warn'>,
  signal: AbortSignal,
): Promise<Asked<Answer>> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      return { answer: await ask() };
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof ApiError)) throw error;
      if (unknownThere.has(error.status) || isRefusal(error)) return { error };
      logger.warn('where the API server is, which no metric source may be, is not known yet', { error });
      await sleep(backoffMs(retry, attempt, Math.random), undefined, { signal }).catch(() => undefined); // an abort ends the loop
    }
  }
  return {};
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
