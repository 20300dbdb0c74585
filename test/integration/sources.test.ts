import { afterAll, describe, expect, test } from '@jest/globals';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { startRedis } from '../../hack/servers/redis.ts';
import { lookOf } from '../../operator/metrics/component-window.ts';
import { quantile } from '../../operator/metrics/histogram.ts';
import { httpSource } from '../../operator/metrics/sources/http.ts';
import { createScraper, podsSource } from '../../operator/metrics/sources/pods.ts';
import { createPrometheusServers } from '../../operator/metrics/sources/prometheus-server.ts';
import type { Source } from '../../operator/metrics/sources/source.ts';
import { startService } from '../workload/service-process.ts';
import { failureOf, guard, json, jsonHead, listening, look, secretless, sourceAt, viewOf } from './source-world.ts';

const scraper = createScraper({ maxResponseBytes: 100_000 });
afterAll(() => scraper.close());
describe('hostile answers', () => {
  const rows: readonly { name: string; answer: RequestListener; reason: string }[] = [
    { name: '100 MB of JSON', answer: (_, response) => flood(response, 100), reason: 'TooLarge' },
    { name: 'JSON without end', answer: (_, response) => flood(response, Infinity), reason: 'TooLarge' },
    {
      name: 'an answer that never ends',
      answer: (_, response) => void jsonHead(response).write('{'),
      reason: 'TimedOut',
    },
    { name: 'no answer', answer: () => undefined, reason: 'TimedOut' },
    {
      name: 'a web page',
      answer: (_, response) => void response.setHeader('content-type', 'text/html').end('<p>'),
      reason: 'NotText',
    },
    {
      name: 'half a document',
      answer: (_, response) => void jsonHead(response).end('{"metrics":{'),
      reason: 'NotUnderstood',
    },
    {
      name: 'a redirect',
      answer: (_, response) => void response.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
      reason: 'Redirected',
    },
    { name: 'a connection cut off', answer: ({ socket }) => void socket.destroy(), reason: 'Unreachable' },
  ];
  test.each(rows)('of a Prometheus: $name is named, within time and memory', async ({ answer, reason }) => {
    await using server = await listening(answer);
    await using servers = createPrometheusServers({ readSecret: secretless, guard, url: undefined });
    const before = process.memoryUsage().rss;
    expect(await failureOf(sourceAt(servers, server.url), viewOf('a'))).toMatchObject({ reason });
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });
  test.each(rows)('of a Pod’s views: $name is named', async ({ answer, reason }) => {
    await using server = await listening(answer);
    expect(await failureOf(viewsSource(), viewOf('a', server.port))).toMatchObject({ reason });
  });
  test.each([401, 403])('of a Pod: %i is no matter of a Secret, which a Pod has none of', async (status) => {
    await using server = await listening((_, response) => void response.writeHead(status).end());
    const said = { reason: 'BadStatus', next: expect.stringMatching(/^serve it on a port where nobody is asked/) };
    expect(await failureOf(viewsSource(), viewOf('a', server.port))).toMatchObject(said);
    expect(await failureOf(pageSource(), viewOf('a', server.port))).toMatchObject(said);
  });
  test('of a type without end a condition has the beginning', async () => {
    await using server = await listening((_, response) =>
      response.setHeader('content-type', `text/${'x'.repeat(10_000)}`).end('{}'),
    );
    const { message = '' } = (await failureOf(viewsSource(), viewOf('a', server.port))) ?? {};
    expect(message).toMatch(/ answered text\/x+, not JSON$/);
    expect(message.length).toBeLessThan(500);
  });
  test.each<{ name: string; metrics: unknown; message: string }>([
    {
      name: 'a text',
      metrics: { request_rate: '10' },
      message: 'in the JSON views /metrics/request_rate is no number',
    },
    {
      name: 'a negative number',
      metrics: { request_rate: -1 },
      message: 'in the JSON views /metrics/request_rate is -1',
    },
    { name: 'a list', metrics: { cpu_percent: [1] }, message: 'in the JSON views /metrics/cpu_percent is no number' },
    {
      name: 'percent for a share',
      metrics: { success_rate: 99.9 },
      message: 'in the JSON views the share /metrics/success_rate is 99.9, not from 0 to 1',
    },
  ])('of a Pod’s views: $name is no figure', async ({ metrics, message }) => {
    await using server = await listening((_, response) => json(response, { metrics }));
    expect(await failureOf(viewsSource(), viewOf('a', server.port))).toMatchObject({
      reason: 'NotUnderstood',
      message,
    });
  });
});

const viewsSource = (signals?: Parameters<typeof httpSource>[0]['signals']): Source =>
  httpSource({
    endpoint: { port: 'http', monitoringPath: '/api/monitoring/metrics', cachePath: '/api/cache/status' },
    signals,
    scraper,
    guard,
  });

const pageSource = (): Source =>
  podsSource({ endpoint: { port: 'http', path: '/metrics', scheme: 'HTTP' }, scraper, guard });

test('a page of OpenMetrics that is cut off is no reading, and the next whole one counts from the last', async () => {
  let page = '';
  await using server = await listening((_, response) => {
    response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8').end(page);
  });
  const [source, pod] = [pageSource(), viewOf('a', server.port)];
  const count = 'http_server_request_duration_seconds_count';
  page = `${count} 100\n# EOF\n`;
  await look(source, pod);
  page = `# TYPE http_server_request_duration_seconds histogram\n${count} 10`;
  expect(await failureOf(source, pod)).toMatchObject({
    reason: 'NotUnderstood',
    message: expect.stringMatching(/\/metrics is cut off: .* does not end with # EOF$/),
  });
  page = `${count} 107\n# EOF`;
  expect(await look(source, pod)).toMatchObject({ figures: { requests: 7 } });
});

test('what a Prometheus has that is NaN, infinite or negative is unknown, and named', async () => {
  const values: Readonly<Record<string, string>> = { rate: 'NaN', memory: '-50000000', queue: '+Inf' };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const value = values[new URLSearchParams(await text(request)).get('query') ?? ''];
    const result = value === undefined ? [] : [{ metric: { pod: 'a' }, value: [0, value] }];
    json(response, { status: 'success', data: { resultType: 'vector', result } });
  };
  await using server = await listening((request, response) => void answer(request, response));
  await using servers = createPrometheusServers({ readSecret: secretless, guard, url: undefined });
  const queries = { requestRate: 'rate', memory: 'memory', queueLength: 'queue' };
  const { figures, broken } = await look(sourceAt(servers, server.url, { queries }), viewOf('a'));
  expect(figures).toEqual({});
  expect(broken).toEqual({
    requests: 'http_server_request_duration_seconds is NaN',
    memoryBytes: 'process_resident_memory_bytes is negative',
    queue: 'generation_queue_length is infinite',
  });
});

test('the guide’s views of a Pod give its figures, its cache’s look-ups counted since the look before', async () => {
  await using redis = await startRedis();
  await using service = await startService({
    WORKFLOW_MEAN_MS: '200',
    WORKFLOW_CV: '0',
    ITEM_LOAD_MS: '1',
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redis.port),
  });
  const [source, pod] = [viewsSource(), viewOf('a', Number(new URL(service.url).port))];
  const get = async (path: string, method = 'GET'): Promise<unknown> =>
    (await fetch(`${service.url}${path}`, { method, signal: AbortSignal.timeout(10_000) })).text();
  expect(await look(source, pod)).toMatchObject({ elapsedMs: undefined, figures: { inFlight: 0, queue: 0 } });
  let slowest = 0;
  for (let count = 0; count < 5; count += 1) {
    const began = performance.now();
    await get('/api/workflow', 'POST');
    slowest = Math.max(slowest, (performance.now() - began) / 1_000);
  }
  for (let count = 0; count < 4; count += 1) await get('/api/item/1');

  const reading = await look(source, pod);
  const { figures, histograms, elapsedMs = 0 } = reading;
  expect(figures.memoryBytes).toBeGreaterThan(10_000_000);
  expect(figures.cpuSeconds).toBeGreaterThan(0);
  expect(figures).toMatchObject({ errors: 0, cacheHitsL1: 3, cacheMissesL1: 1 });
  const { cacheHitRate, cacheMissRate } = lookOf(reading, undefined);
  expect(cacheHitRate / (cacheHitRate + cacheMissRate)).toBeCloseTo(0.75);
  expect((figures.requests ?? 0) / (elapsedMs / 1_000)).toBeGreaterThan(0);
  const [lower = NaN, upper = NaN] = histograms.workflowDuration?.bounds ?? [];
  expect(lower).toBeGreaterThan(0.15);
  expect(upper).toBeLessThan(1.5 * slowest); // 0.2 s, more on a busy machine
  const percentiles = [0.5, 0.95, 0.99].map((share) => {
    const known = histograms.responseTime && quantile(histograms.responseTime, share);
    return known === undefined ? 'unknown' : 'known';
  });
  expect(percentiles).toEqual(['unknown', 'known', 'unknown']);
});

test('JSON pointers in signals name other places, the end of a name its unit', async () => {
  await using server = await listening((request, response) =>
    json(
      response,
      request.url === '/api/cache/status'
        ? { deep: { 'a/b': { heap_mb: 2 } } }
        : { load: { latency_ms: 250, rate: 10, __proto__: 1 } },
    ),
  );
  const pod = viewOf('a', server.port);
  const source = viewsSource([
    { name: 'memory', metric: '/deep/a~1b/heap_mb' },
    { name: 'requestRate', metric: '/load/rate' },
    { name: 'workflowDuration', metric: '/load/latency_ms' },
    { name: 'queueLength', metric: '/load/toString/length' },
  ]);
  await look(source, pod);
  const { figures, histograms } = await look(source, pod);
  expect(figures.memoryBytes).toBe(2 * 2 ** 20);
  expect(figures.queue).toBeUndefined();
  expect(histograms.workflowDuration?.bounds[0]).toBeLessThan(0.25);
  expect(histograms.workflowDuration?.bounds[1]).toBeGreaterThan(0.23);
});

test('names of metrics in signals are none of the views’, which have their own; errors of one’s own count before the success rate', async () => {
  await using server = await listening((_, response) =>
    json(response, { metrics: { request_rate: 10, success_rate: 1, error_rate: 0.2 }, own: { errors: 0.5 } }),
  );
  const pod = viewOf('a', server.port);
  const errorsOf = async (signals: Parameters<typeof viewsSource>[0]): Promise<number> => {
    const source = viewsSource(signals);
    await look(source, pod);
    const { figures } = await look(source, pod);
    return (figures.errors ?? NaN) / (figures.requests ?? NaN);
  };
  expect(await errorsOf([{ name: 'responseTime', metric: 'http_latency_seconds' }])).toBe(0);
  expect(await errorsOf([{ name: 'errors', metric: '/own/errors' }])).toBe(0.5);
});

test('the hit ratio of a cache comes from its share where that is all that is told', async () => {
  await using server = await listening((_, response) =>
    json(response, { metrics: { request_rate: 10 }, statistics: { hit_ratio: 0.9, hits: 1, misses: 1 } }),
  );
  const pod = viewOf('a', server.port);
  const source = viewsSource([{ name: 'cacheRequests', metric: '/statistics/hit_ratio' }]);
  await look(source, pod);
  const { cacheHitRate, cacheMissRate } = lookOf(await look(source, pod), undefined);
  expect(cacheHitRate).toBeCloseTo(9);
  expect(cacheMissRate).toBeCloseTo(1);
});

test('the buckets of a version whose Pods are gone make room for those of the next', async () => {
  /** A histogram of 400 buckets, ten observations more at each look. */
  const version = (name: string): RequestListener => {
    let count = 0;
    return (_, response) => {
      count += 10;
      const bucket = (le: string) => `http_server_request_duration_seconds_bucket{le="${le}"} ${count}\n`;
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      response.end(Array.from({ length: 400 }, (__, n) => bucket(`${n}.${name}`)).join('') + bucket('+Inf'));
    };
  };
  await using first = await listening(version('1'));
  await using second = await listening(version('2'));
  const [old, next] = [viewOf('old', first.port), viewOf('next', second.port)];
  const source = pageSource();
  for (const pod of [old, next]) await look(source, pod);
  const bounds = async () => (await look(source, next)).histograms.responseTime?.bounds.length;
  expect(await bounds()).toBe(512 - 400 + 1);
  source.forget(old.uid);
  expect(await bounds()).toBe(400 + 1);
});

function flood(response: ServerResponse, megabytes: number): void {
  jsonHead(response);
  const chunk = '['.repeat(2 ** 20);
  let sent = 0;
  const more = (): void => {
    while (sent < megabytes && response.writable) {
      sent += 1;
      if (!response.write(chunk)) return;
    }
    if (sent >= megabytes) response.end();
  };
  response.on('drain', more);
  more();
}
