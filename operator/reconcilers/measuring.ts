import type { GenerationService } from '../api/generation-service.ts';
import { milliseconds } from '../api/duration.ts';
import { sourceTypes, type SourceType } from '../api/metric-source.ts';
import type { PodSample } from '../decide/pods-metric.ts';
import type { ComponentSpec, Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { keyOf } from '../kube/object.ts';
import type { Collector, TrackedComponent } from '../metrics/collector.ts';
import { choiceOf } from '../metrics/sources/choice.ts';
import type { Connections } from '../metrics/sources/connections.ts';
import { httpSource } from '../metrics/sources/http.ts';
import { podsSource } from '../metrics/sources/pods.ts';
import { prometheusSource } from '../metrics/sources/prometheus.ts';
import { resourceSource, withResource } from '../metrics/sources/resource.ts';
import type { Source } from '../metrics/sources/source.ts';
import { selectPods, type Caches } from './caches.ts';

export interface MeasuringDeps {
  readonly collector: Collector;
  readonly caches: Pick<Caches, 'pods'>;
  readonly connections: Connections;
}

type SourceSpec = NonNullable<ComponentSpec['metrics']>[number];

/** Where a component's figures are read when it names no source at all. */
const defaultSources: readonly SourceSpec[] = [
  { type: 'Pods', pods: { port: 'metrics', path: '/metrics', scheme: 'HTTP' } },
  { type: 'Resource' },
];

/** What the component names, or what is read where it names none; best first. */
export const namedSources = ({ metrics = [] }: Pick<ComponentSpec, 'metrics'>): readonly SourceSpec[] =>
  metrics.length === 0 ? defaultSources : metrics;

/** Has the collector measure just the components of this service, as its policy says. */
export function measure(resolved: Resolved, deps: MeasuringDeps): void {
  const { collector } = resolved.policy;
  const { namespace } = resolved.service.metadata;
  const [intervalMs, timeoutMs] = [milliseconds(collector.interval), milliseconds(collector.timeout)];
  const tracked = resolved.components.map(({ spec, target }): TrackedComponent => ({
    name: spec.name,
    source: sourceOf(spec, {
      namespace,
      intervalMs,
      timeoutMs,
      connections: deps.connections,
      begin: sourceBefore(resolved.service, spec.name),
    }),
    pods: () => selectPods(deps.caches.pods, namespace, target.selector),
    containerName: spec.containerName,
    intervalMs,
    timeoutMs,
    history: collector.history,
    windowMs: milliseconds(resolved.policy.objectives.window),
  }));
  deps.collector.track(keyOf(resolved.service), tracked);
}

/** What status says was read, of just this spec; where it is none that there is, the first is read. */
function sourceBefore({ metadata, status = {} }: GenerationService, component: string): SourceType | undefined {
  if (status.observedGeneration !== metadata.generation) return undefined;
  const said = status.components?.find(({ name }) => name === component)?.metricsSource;
  return sourceTypes.find((type) => type === said);
}

interface SourceContext {
  readonly namespace: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly connections: Connections;
  readonly begin: SourceType | undefined;
}

/** One source of what the component names. With metrics.k8s.io among several, CPU and memory are read there whichever is chosen. */
function sourceOf(spec: ComponentSpec, context: SourceContext): Source {
  const { intervalMs, timeoutMs, connections, begin } = context;
  const named = namedSources(spec);
  const usage = { usage: connections.usage, containerName: spec.containerName, intervalMs, timeoutMs };
  const hasResource = named.some(({ type }) => type === 'Resource');
  const sources = named.map((one) => {
    const own = loadSource(one, spec, context);
    if (own === undefined) return resourceSource(usage);
    return hasResource ? withResource(own, usage) : own;
  });
  const [first = resourceSource(usage), ...others] = sources;
  return others.length === 0 ? first : choiceOf({ sources: [first, ...others], intervalMs, begin });
}

/** Undefined for type Resource, which knows of no load. */
function loadSource({ pods, http, prometheus }: SourceSpec, spec: ComponentSpec, context: SourceContext) {
  const { namespace, intervalMs, timeoutMs, connections } = context;
  const { scraper, guard } = connections;
  const { signals } = spec;
  if (pods !== undefined) return podsSource({ endpoint: pods, signals, scraper, guard });
  if (http !== undefined) return httpSource({ endpoint: http, signals, scraper, guard });
  if (prometheus === undefined) return undefined;
  const { url, secretRef, queries } = prometheus;
  return prometheusSource({
    servers: connections.prometheus,
    server: { url, secret: secretRef && { namespace, name: secretRef.name } },
    namespace,
    signals,
    queries,
    intervalMs,
    timeoutMs,
  });
}

/** The Pods of a component as the HPA sorts them, each with its requests per second. */
export function podSamples(
  { collector }: Pick<MeasuringDeps, 'collector'>,
  { service }: Resolved,
  { spec }: ResolvedComponent,
): readonly PodSample[] {
  return collector.podRates(keyOf(service), spec.name).map(({ state, requestsPerSecond, observedAt }) => ({
    state: state === 'Starting' ? 'pending' : state === 'Terminating' || state === 'Finished' ? 'leaving' : 'running',
    ...(requestsPerSecond === undefined ? {} : { value: requestsPerSecond }),
    ...(observedAt === undefined ? {} : { observedAt }),
  }));
}
