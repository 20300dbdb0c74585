import { describe, expect, test } from '@jest/globals';
import { checkLoadBalancerSettings } from '../../../../operator/api/check-load-balancer-settings.ts';
import { settingsFor, writtenFor } from './settings.ts';

describe('settingsOf()', () => {
  test('has the figures of the guide in base units', () => {
    expect(settingsFor()).toMatchObject({
      version: 1,
      listen: { http: 8080 },
      client: {
        keepaliveTimeoutMs: 65_000,
        keepaliveRequests: 1000,
        maxBodyBytes: 52_428_800,
        bodyBufferBytes: 131_072,
      },
      gzip: { minLengthBytes: 1024, level: 6 },
      proxy: { headBufferBytes: 4096, buffers: { count: 8, sizeBytes: 4096 }, connectTimeoutMs: 5_000 },
      api: { path: '/api/', cacheControl: { maxAgeMs: 300_000, apply: 'SafeResponses' } },
      monitoringCache: { path: '/api/monitoring/', ttlMs: 300_000, access: 'Cluster' },
      upstream: { method: 'LeastConn', maxFails: 2, failTimeoutMs: 30_000, keepalive: 32, retryNonIdempotent: false },
      routes: [{ path: '/', upstream: 'workflow', streaming: false }],
      upstreams: [{ name: 'workflow', service: 'generation', port: 'http', slots: 5 }],
      weights: { mode: 'Adaptive', min: 10, max: 100, intervalMs: 30_000, slowStartMs: 60_000, errorPenalty: 1 },
      minReloadIntervalMs: 30_000,
    });
  });

  test('gives equal bytes for lists in another order, and another hash for another figure', () => {
    const one = writtenFor(
      { gzip: { types: ['text/css', 'text/plain'] } },
      { serverNames: ['b.example', 'a.example'] },
    );
    const other = writtenFor(
      { gzip: { types: ['text/plain', 'text/css'] } },
      { serverNames: ['a.example', 'b.example'] },
    );
    expect(other.text).toBe(one.text);
    expect(settingsFor({ gzip: { level: 7 } }).hash).not.toBe(settingsFor().hash);
  });

  test('takes nothing for old that the last look has brought, whatever staleAfter says', () => {
    const { staleAfterMs } = settingsFor({ weights: { staleAfter: '0s', interval: '20s' } }).weights;
    expect(staleAfterMs).toBe(20_000);
    expect(settingsFor().weights.staleAfterMs).toBe(180_000);
  });

  test('listens for HTTPS only where a certificate is named', () => {
    const tlsSecretRef = { name: 'tls' };
    expect(settingsFor({}, { tlsSecretRef }).listen).toEqual({ http: 8080, https: 8443, redirect: true });
    expect(settingsFor({}, { tlsSecretRef, plainHTTP: 'Serve' }).listen).toEqual({ http: 8080, https: 8443 });
  });

  test.each([
    {
      name: 'buffers of nothing',
      policy: { buffers: { clientBody: 0, proxyBufferSize: 0, proxyBuffers: { size: 0 } } },
    },
    { name: 'buffers of a terabyte', policy: { buffers: { proxyBufferSize: '1Ti', maxBody: '999999Ti' } } },
    { name: 'the shortest times', policy: { api: { connectTimeout: '1ms', readTimeout: '1ms', sendTimeout: '1ms' } } },
    { name: 'the smallest body', policy: { buffers: { maxBody: 1 } } },
    {
      name: 'everything off',
      policy: { gzip: { mode: 'Off' }, api: { cacheControl: { apply: 'Off' } }, upstream: { keepalive: 0 } },
    },
  ] as const)('is valid for $name', ({ policy }) => {
    expect(checkLoadBalancerSettings(writtenFor(policy).text)).toMatchObject({ kind: 'valid' });
  });
});
