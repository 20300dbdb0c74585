import { isIP, isIPv4 } from 'node:net';
import type { UnusableServices } from '../../api/load-balancer-report.ts';
import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import type { PodReference, ServersByUpstream, UpstreamServer } from './upstreams.ts';

/** discovery.k8s.io/v1, as far as it is asked here. */
export interface EndpointsView {
  readonly service: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly endpoints: readonly EndpointView[];
}

export interface EndpointView {
  readonly address: string;
  /** Undefined: it is no Pod's. */
  readonly pod: PodReference | undefined;
}

type Upstream = LoadBalancerSettings['upstreams'][number];

/** Where the Pods of each upstream listen: those that are ready, each once, in an order that does not depend on which slice they stand in. */
export function serversOf(
  upstreams: readonly Upstream[],
  slicesOf: (service: string) => readonly EndpointsView[],
): ServersByUpstream {
  return Object.fromEntries(
    upstreams.map((upstream) => {
      const servers = withoutTwins(slicesOf(upstream.service).flatMap((slice) => serversIn(slice, upstream)));
      const byText = new Map(servers.map((server) => [`${server.address} ${server.port}`, server]));
      return [upstream.name, [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, server]) => server)];
    }),
  );
}

/** Upstreams that no Pod can be found for, whichever is ready: a Service with a selector has a slice also while it has no Pod. */
export function unusableServices(
  upstreams: readonly Upstream[],
  slicesOf: (service: string) => readonly EndpointsView[],
): UnusableServices {
  const entries = upstreams.flatMap(({ name, service, port }): [string, UnusableServices[string]][] => {
    const slices = slicesOf(service);
    if (slices.length === 0) return [[name, 'NoService']];
    const withPods = slices.filter(({ endpoints }) => endpoints.length > 0);
    const isFound = withPods.length === 0 || withPods.some(({ ports }) => portOf(ports, port) !== undefined);
    return isFound ? [] : [[name, 'NoPort']];
  });
  return Object.fromEntries(entries);
}

function serversIn({ ports, endpoints }: EndpointsView, { port }: Upstream): readonly UpstreamServer[] {
  const found = portOf(ports, port);
  if (found === undefined) return [];
  return endpoints
    .filter(({ address }) => isIP(address) !== 0)
    .map(({ address, pod }) => ({ address, port: found, ...(pod === undefined ? {} : { pod }) }));
}

/** A Service of two address families has each Pod in a slice of each: two servers would be twice its slots, and IPv6 takes reloads. */
function withoutTwins(servers: readonly UpstreamServer[]): readonly UpstreamServer[] {
  const reached = new Set(servers.flatMap(({ address, pod }) => (isIPv4(address) && pod !== undefined ? pod.uid : [])));
  return servers.filter(({ address, pod }) => isIPv4(address) || pod === undefined || !reached.has(pod.uid));
}

/** A slice names ports as the Service does, but has the numbers of the Pods: a Service with one port needs no name. */
function portOf(ports: EndpointsView['ports'], wanted: Upstream['port']): number | undefined {
  if (wanted === undefined || ports.length === 1) return ports[0]?.port;
  return ports.find(({ name, port }) => name === wanted || port === wanted)?.port;
}
