import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { createAddressGuard } from '../metrics/address-guard.ts';
import type { ConnectionsOptions } from '../metrics/sources/connections.ts';
import { UsageError } from './command.ts';

export interface MetricAddresses {
  /** --allow-metric-address */
  readonly allow: readonly string[];
  /** URL of the API server. */
  readonly server: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What may be dialled for metrics: of Pods, and of hosts that users name, which are never the API server. */
export async function metricGuards({ allow, server, env }: MetricAddresses): Promise<ConnectionsOptions['guards']> {
  const widen = allow.map((network) => network.trim()).filter((network) => network !== '');
  const host = URL.parse(server)?.hostname.replace(/^\[(.*)\]$/, '$1');
  const named = [host, env['KUBERNETES_SERVICE_HOST']].filter((one) => one !== undefined);
  const refuse = (await Promise.all(named.map(addressesOf))).flat();
  try {
    return { pods: createAddressGuard({ widen }), hosts: createAddressGuard({ widen, refuse }) };
  } catch (error) {
    if (!Error.isError(error) || error.name !== 'RangeError') throw error;
    throw new UsageError(`--allow-metric-address: ${error.message}`, { cause: error });
  }
}

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
