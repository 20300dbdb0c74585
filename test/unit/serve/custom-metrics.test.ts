import { describe, expect, test } from '@jest/globals';
import type { PodRate } from '../../../operator/metrics/component-window.ts';
import { answerMetricsQuery, isOurs, type ApiResources } from '../../../operator/serve/custom-metrics.ts';
import { frontProxyFrom } from '../../../operator/serve/front-proxy.ts';

const rate = (pod: string, requestsPerSecond: number | undefined): PodRate => ({
  namespace: 'ai',
  pod,
  labels: { app: pod },
  state: 'Ready',
  requestsPerSecond,
  observedAt: Date.UTC(2026, 10, 25),
  windowSeconds: 29.6,
});
const root = '/apis/custom.metrics.k8s.io/v1beta2';
const ask = (
  path: string,
  method = 'GET',
  rates: readonly PodRate[] = [rate('a', 0.0004), rate('b', 1e7), rate('b', 5)],
) =>
  answerMetricsQuery({ method, url: `${root}${path}` }, (namespace, matches) =>
    namespace === 'ai' ? rates.filter(({ pod, labels }) => matches({ name: pod, labels })) : [],
  );

describe('answerMetricsQuery()', () => {
  test('a Pod that two components have in common stands there once', () => {
    expect(ask('/namespaces/ai/pods/*/requests_per_second')).toMatchObject({
      status: 200,
      body: { items: [{ value: '0m', windowSeconds: 30, timestamp: '2026-11-25T00:00:00Z' }, { value: '5000m' }] },
    });
  });
  test('the star may be escaped, as the API server does', () => {
    expect(ask('/namespaces/ai/pods/%2A/requests_per_second')).toMatchObject({
      status: 200,
      body: { items: [{}, {}] },
    });
  });
  test('another namespace has none', () => {
    expect(ask('/namespaces/other/pods/*/requests_per_second')).toMatchObject({ status: 200, body: { items: [] } });
  });
  test.each<{ path: string; method?: string; status: number }>([
    { path: '/namespaces/ai/pods/*/requests_per_second?labelSelector=a%20b', status: 400 },
    { path: '/namespaces/ai/pods/none/requests_per_second', status: 404 },
    { path: '/namespaces/ai/pods/*/constructor', status: 404 },
    { path: '/namespaces/ai/services/*/requests_per_second', status: 404 },
    { path: '/../../../__proto__', status: 404 },
    { path: '/namespaces/ai/pods/*/requests_per_second', method: 'POST', status: 405 },
  ])('$method $path is $status', ({ path, method, status }) => {
    expect(ask(path, method)).toMatchObject({ status, body: { kind: 'Status', status: 'Failure', code: status } });
  });
  test('a path that cannot be decoded breaks nothing', () => {
    expect(ask('/namespaces/%zz/pods/*/requests_per_second')).toMatchObject({ status: 200, body: { items: [] } });
  });
});

test('isOurs() knows our answer to discovery from that of another adapter with a metric of the same name', () => {
  const { body } = ask('');
  expect(isOurs(body as ApiResources)).toBe(true);
  const another = { name: 'pods/requests_per_second', categories: ['all'] };
  expect(isOurs({ resources: [another] })).toBe(false);
});

describe('frontProxyFrom()', () => {
  const ca = '-----BEGIN CERTIFICATE-----\n…';
  const data = {
    'requestheader-client-ca-file': ca,
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  };
  test('reads what the API server writes', () => {
    expect(frontProxyFrom(data)).toEqual({
      ca,
      allowedNames: ['front-proxy-client'],
      usernameHeaders: ['x-remote-user'],
    });
  });
  test.each([
    { name: 'no ConfigMap', from: undefined },
    { name: 'no CA', from: { ...data, 'requestheader-client-ca-file': '' } },
    { name: 'names that are no list', from: { ...data, 'requestheader-allowed-names': 'front-proxy-client' } },
    {
      name: 'names of another shape: an empty list would let everybody in',
      from: { ...data, 'requestheader-allowed-names': '{}' },
    },
  ])('knows nobody with $name', ({ from }) => {
    expect(frontProxyFrom(from)).toBeUndefined();
  });
});
