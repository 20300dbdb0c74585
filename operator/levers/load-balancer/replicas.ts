import type { EndpointsView, EndpointView } from './endpoints.ts';

interface ReplicasInput {
  readonly slices: Iterable<EndpointsView>;
  /** Addresses of this nginx. */
  readonly own: ReadonlySet<string>;
  /** Services that it sends requests to. */
  readonly upstreams: ReadonlySet<string>;
}

/** How many nginx share the requests, this one included: those of the Service that leads to it, each once in whatever address families. Each sees its part of what a Pod does. */
export function replicasOf({ slices, own, upstreams }: ReplicasInput): number {
  const others = [...slices].filter(({ service }) => !upstreams.has(service));
  const byService = Map.groupBy(others, ({ service }) => service);
  const ours = [...byService.values()]
    .map((all) => all.flatMap(({ endpoints }) => endpoints))
    .filter((endpoints) => endpoints.some(({ address }) => own.has(address)));
  return Math.max(1, ...ours.map((endpoints) => new Set(endpoints.map(identityOf)).size));
}

const identityOf = ({ address, pod }: EndpointView): string => pod?.uid ?? address;
