import { milliseconds } from '../api/duration.ts';
import type { PodSample } from '../decide/pods-metric.ts';
import type { ComponentSpec, Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { keyOf } from '../kube/object.ts';
import type { AddressGuard } from '../metrics/address-guard.ts';
import type { Collector, TrackedComponent } from '../metrics/collector.ts';
import { podsSource, type createScraper } from '../metrics/sources/pods.ts';
import { selectPods, type Caches } from './caches.ts';
import { unreadSources } from './not-implemented.ts';

export interface MeasuringDeps {
  readonly collector: Collector;
  readonly caches: Pick<Caches, 'pods'>;
  readonly scraper: ReturnType<typeof createScraper>;
  readonly guard: AddressGuard;
}

/** Where a component's figures are read when it names no source at all. */
const defaultEndpoint = { port: 'metrics', path: '/metrics', scheme: 'HTTP' } as const;

/** Has the collector measure just the components of this service, as its policy says. */
export function measure(resolved: Resolved, deps: MeasuringDeps): void {
  const { collector } = resolved.policy;
  const readable = resolved.components.filter(({ spec }) => unreadSources(spec).length === 0);
  const tracked = readable.map((component): TrackedComponent => {
    const { spec, target } = component;
    const endpoint = endpointOf(spec);
    return {
      name: spec.name,
      source: podsSource({ endpoint, signals: spec.signals, scraper: deps.scraper, guard: deps.guard }),
      pods: () => selectPods(deps.caches.pods, resolved.service.metadata.namespace, target.selector),
      containerName: spec.containerName,
      intervalMs: milliseconds(collector.interval),
      timeoutMs: milliseconds(collector.timeout),
      history: collector.history,
      windowMs: milliseconds(resolved.policy.objectives.window),
    };
  });
  deps.collector.track(keyOf(resolved.service), tracked);
}

const endpointOf = ({ metrics = [] }: ComponentSpec) =>
  metrics.find(({ pods }) => pods !== undefined)?.pods ?? defaultEndpoint;

/** The Pods of a component as the HPA sorts them, each with its requests per second. */
export function podSamples(
  { collector }: Pick<MeasuringDeps, 'collector'>,
  { service }: Resolved,
  { spec }: ResolvedComponent,
): readonly PodSample[] {
  return collector.podRates(keyOf(service), spec.name).map(({ state, requestsPerSecond }) => ({
    state: state === 'Starting' ? 'pending' : state === 'Terminating' || state === 'Finished' ? 'leaving' : 'running',
    ...(requestsPerSecond === undefined ? {} : { value: requestsPerSecond }),
  }));
}
