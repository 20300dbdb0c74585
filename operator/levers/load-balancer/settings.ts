import { createHash } from 'node:crypto';
import { milliseconds } from '../../api/duration.ts';
import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import type { ServiceLoadBalancer } from '../../api/nginx.ts';
import { bytes } from '../../api/quantity.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { ComponentSpec } from '../../decide/resolve.ts';

export type NginxSpec = NonNullable<ServiceLoadBalancer['nginx']>;
type Policy = EffectivePolicy['loadBalancer'];

export const defaultPorts = { http: 8080, https: 8443 } as const;

interface SettingsInput {
  readonly policy: Policy;
  readonly nginx: NginxSpec;
  readonly components: readonly ComponentSpec[];
  /** Requests that one Pod works on at once, by component. */
  readonly slots: Readonly<Record<string, number>>;
}

export interface WrittenSettings {
  readonly settings: LoadBalancerSettings;
  /** As it stands in the ConfigMap. */
  readonly text: string;
}

/** What a policy and a service declare, as the agent reads it. Equal input gives equal bytes. Undefined: no component that is routed to has a Service. */
export function settingsOf(input: SettingsInput): WrittenSettings | undefined {
  const routes = routesOf(input);
  const upstreams = upstreamsOf(routes, input);
  if (upstreams.length === 0) return undefined;
  const figures = { ...figuresOf(input), routes, upstreams };
  const hash = createHash('sha256').update(JSON.stringify(figures)).digest('hex').slice(0, 12);
  const settings = { version: 1, hash, ...figures } as const;
  return { settings, text: `${JSON.stringify(settings, undefined, 2)}\n` };
}

type Routes = LoadBalancerSettings['routes'];

function routesOf({ nginx: { routes }, components }: SettingsInput): Routes {
  const declared =
    routes ?? components.slice(0, 1).map(({ name }) => ({ path: '/', component: name, streaming: 'Off' }));
  return declared
    .map(({ path, component, streaming }) => ({ path, upstream: component, streaming: streaming === 'On' }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** In the order of the components. */
function upstreamsOf(routes: Routes, { components, slots }: SettingsInput): LoadBalancerSettings['upstreams'] {
  const routed = new Set(routes.map(({ upstream }) => upstream));
  return components.flatMap(({ name, serviceRef }) => {
    if (!routed.has(name) || serviceRef === undefined) return [];
    const { name: service, port } = serviceRef;
    return [{ name, service, ...(port === undefined ? {} : { port }), slots: slots[name] ?? 1 }];
  });
}

type Figures = Omit<LoadBalancerSettings, 'version' | 'hash' | 'routes' | 'upstreams'>;

function figuresOf({ policy, nginx }: SettingsInput): Figures {
  const { api, staticAssets, monitoringCache, weights } = policy;
  const { cacheControl } = api;
  return {
    listen: listenOf(nginx),
    serverNames: (nginx.serverNames ?? []).toSorted(),
    client: clientOf(policy),
    ...(policy.gzip.mode === 'On' ? { gzip: gzipOf(policy.gzip) } : {}),
    proxy: proxyOf(policy),
    api: {
      path: api.pathPrefix,
      ...(cacheControl.apply === 'Off'
        ? {}
        : { cacheControl: { maxAgeMs: milliseconds(cacheControl.maxAge), apply: cacheControl.apply } }),
    },
    staticAssets: {
      extensions: staticAssets.extensions.toSorted(),
      maxAgeMs: milliseconds(staticAssets.maxAge),
      ...(nginx.staticFiles === undefined ? {} : { folder: nginx.staticFiles.path }),
    },
    monitoringCache: {
      path: monitoringCache.pathPrefix,
      ttlMs: milliseconds(monitoringCache.ttl),
      access: monitoringCache.access,
    },
    upstream: upstreamOf(policy),
    weights: weightsOf(weights),
    minReloadIntervalMs: milliseconds(weights.minReloadInterval),
  };
}

function listenOf({
  ports = defaultPorts,
  tlsSecretRef,
  plainHTTP = 'Redirect',
}: NginxSpec): LoadBalancerSettings['listen'] {
  const secured = { https: ports.https, ...(plainHTTP === 'Redirect' ? { redirect: true } : {}) };
  return { http: ports.http, ...(tlsSecretRef === undefined ? {} : secured) };
}

const clientOf = ({ server, buffers }: Policy): LoadBalancerSettings['client'] => ({
  keepaliveTimeoutMs: milliseconds(server.keepaliveTimeout),
  keepaliveRequests: server.keepaliveRequests,
  largeHeaderBuffers: {
    count: server.largeClientHeaderBuffers.count,
    sizeBytes: bufferBytes(server.largeClientHeaderBuffers.size),
  },
  bodyBufferBytes: bufferBytes(buffers.clientBody),
  maxBodyBytes: Math.min(bytes(buffers.maxBody), 2 ** 40),
});

const gzipOf = ({ minLength, level, types }: Policy['gzip']): NonNullable<LoadBalancerSettings['gzip']> => ({
  minLengthBytes: minLength,
  level,
  types: types.toSorted(),
});

const proxyOf = ({ buffers, api }: Policy): LoadBalancerSettings['proxy'] => ({
  headBufferBytes: bufferBytes(buffers.proxyBufferSize),
  buffers: { count: buffers.proxyBuffers.count, sizeBytes: bufferBytes(buffers.proxyBuffers.size) },
  connectTimeoutMs: milliseconds(api.connectTimeout),
  sendTimeoutMs: milliseconds(api.sendTimeout),
  readTimeoutMs: milliseconds(api.readTimeout),
});

const upstreamOf = ({ upstream, weights }: Policy): LoadBalancerSettings['upstream'] => ({
  method: upstream.method,
  maxFails: upstream.maxFails,
  failTimeoutMs: milliseconds(upstream.failTimeout),
  keepalive: upstream.keepalive,
  keepaliveRequests: upstream.keepaliveRequests,
  keepaliveTimeoutMs: milliseconds(upstream.keepaliveTimeout),
  delivery: weights.delivery,
  retryNonIdempotent: upstream.retryNonIdempotent === 'On',
});

function weightsOf(weights: Policy['weights']): LoadBalancerSettings['weights'] {
  const intervalMs = Math.max(milliseconds(weights.interval), 1_000);
  return {
    mode: weights.mode,
    min: weights.min,
    max: weights.max,
    intervalMs,
    minRequests: weights.minRequests,
    deadBandPercent: weights.deadBandPercent,
    maxStepPercent: weights.maxStepPercent,
    followBelowPercent: weights.followBelowPercent,
    equalAbovePercent: weights.equalAbovePercent,
    slowStartMs: milliseconds(weights.slowStart),
    slowStartFromPercent: weights.slowStartFromPercent,
    staleAfterMs: Math.max(milliseconds(weights.staleAfter), intervalMs), // what was just measured is not old
    errorPenalty: Number(weights.errorPenalty),
  };
}

/** nginx takes no buffer of nothing, and one of a gigabyte is a slip of the pen that would cost the node its memory. */
const bufferBytes = (size: Parameters<typeof bytes>[0]): number =>
  Math.min(Math.max(bytes(size), 1_024), 64 * 1_048_576);
