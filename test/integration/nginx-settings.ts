import fc from 'fast-check';
import type { LoadBalancerSettings } from '../../operator/api/load-balancer-settings.ts';
import type { UpstreamServer } from '../../operator/levers/load-balancer/upstreams.ts';
import { settingsFor } from '../unit/levers/load-balancer/settings.ts';

export const known = {
  '1.22': ['brotli', 'gzipStatic', 'ipv6', 'ssl', 'stubStatus'],
  '1.31': ['http2Directive', 'ipv6', 'keepaliveMinTimeout', 'leastTime', 'resolveUpstreams', 'ssl'],
} as const;

/** Whatever the schema takes, also what nobody would declare. */
export const settings: fc.Arbitrary<LoadBalancerSettings> = fc.record({
  version: fc.constant(1 as const),
  hash: fc.constant('0123456789ab'),
  listen: fc.constant({ http: 18_080 }),
  serverNames: fc.uniqueArray(fc.stringMatching(/^(\*\.)?[a-z0-9]{1,63}(\.[a-z0-9](-{0,3}[a-z0-9]){0,9}){0,3}$/), {
    maxLength: 16,
  }),
  client: fc.record({
    keepaliveTimeoutMs: fc.nat(3_600_000),
    keepaliveRequests: fc.integer({ min: 1, max: 1_000_000 }),
    largeHeaderBuffers: fc.record({
      count: fc.integer({ min: 1, max: 64 }),
      sizeBytes: fc.integer({ min: 1_024, max: 67_108_864 }),
    }),
    bodyBufferBytes: fc.integer({ min: 1_024, max: 67_108_864 }),
    maxBodyBytes: fc.integer({ min: 1, max: 2 ** 40 }),
  }),
  gzip: fc.record({
    minLengthBytes: fc.nat(1_048_576),
    level: fc.integer({ min: 1, max: 9 }),
    types: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,20}\/[a-z0-9.+-]{1,79}$/), { maxLength: 32 }),
  }),
  proxy: fc.record({
    headBufferBytes: fc.integer({ min: 1_024, max: 67_108_864 }),
    buffers: fc.record({
      count: fc.integer({ min: 1, max: 64 }),
      sizeBytes: fc.integer({ min: 1_024, max: 67_108_864 }),
    }),
    connectTimeoutMs: fc.integer({ min: 1, max: 75_000 }),
    sendTimeoutMs: fc.integer({ min: 1, max: 3_600_000 }),
    readTimeoutMs: fc.integer({ min: 1, max: 3_600_000 }),
  }),
  api: fc.record({
    path: fc.stringMatching(/^\/([A-Za-z0-9_.~-]{1,9}\/){0,3}$/),
    cacheControl: fc.record({
      maxAgeMs: fc.nat(1e9),
      apply: fc.constantFrom('SafeResponses' as const, 'Always' as const),
    }),
  }),
  staticAssets: fc.record({
    extensions: fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/), { maxLength: 32 }),
    maxAgeMs: fc.nat(1e9),
    folder: fc.stringMatching(/^(\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}){1,3}$/),
  }),
  monitoringCache: fc.record({
    path: fc.stringMatching(/^\/([A-Za-z0-9_.~-]{1,9}\/){0,3}$/),
    ttlMs: fc.nat(3_600_000),
    access: fc.constantFrom('Cluster' as const, 'Public' as const),
  }),
  upstream: fc.record({
    method: fc.constantFrom('LeastConn' as const, 'LeastTime' as const, 'RoundRobin' as const),
    maxFails: fc.nat(100),
    failTimeoutMs: fc.nat(3_600_000),
    keepalive: fc.nat(10_000),
    keepaliveRequests: fc.integer({ min: 1, max: 1_000_000 }),
    keepaliveTimeoutMs: fc.nat(3_600_000),
    delivery: fc.constantFrom('Auto' as const, 'Reload' as const),
    retryNonIdempotent: fc.boolean(),
  }),
  routes: fc.uniqueArray(
    fc.record({
      path: fc.stringMatching(/^\/[A-Za-z0-9/_.~-]{0,20}$/),
      upstream: fc.constant('monitoring'),
      streaming: fc.boolean(),
    }),
    { minLength: 1, maxLength: 32, selector: ({ path }) => path },
  ),
  upstreams: fc.constant([{ name: 'monitoring', service: 'generation', slots: 1 }]),
  weights: fc.constant(settingsFor().weights), // of which nginx is told as weights of servers
  minReloadIntervalMs: fc.constant(0),
});
export const servers: fc.Arbitrary<readonly UpstreamServer[]> = fc.uniqueArray(
  fc.record({
    address: fc.oneof(fc.ipV4(), fc.ipV6()),
    port: fc.integer({ min: 1, max: 65_535 }),
    weight: fc.integer({ min: 1, max: 100 }),
  }),
  { maxLength: 20, selector: ({ address, port }) => `${address} ${port}` },
);
