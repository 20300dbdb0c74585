import { afterAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { startPrometheus } from '../../hack/servers/prometheus.ts';
import { startRedis } from '../../hack/servers/redis.ts';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import type { PodView } from '../../operator/metrics/pod-view.ts';
import type { Reading } from '../../operator/metrics/reading.ts';
import { httpSource } from '../../operator/metrics/sources/http.ts';
import { createScraper } from '../../operator/metrics/sources/pods.ts';
import {
  createPrometheusServers,
  type PrometheusServers,
  type SecretData,
} from '../../operator/metrics/sources/prometheus-server.ts';
import { prometheusSource, type PrometheusSourceOptions } from '../../operator/metrics/sources/prometheus.ts';
import type { Source } from '../../operator/metrics/sources/source.ts';
import { startService, type ServiceProcess } from '../workload/service-process.ts';
import { eventually } from '../world/eventually.ts';

const guard = createAddressGuard({ widen: ['127.0.0.0/8', '::1/128'] });
const scraper = createScraper({ maxResponseBytes: 100_000 });
afterAll(() => scraper.close());

const viewOf = (name: string, port = 9_100): PodView => ({
  namespace: 'ai',
  name,
  uid: name,
  labels: {},
  ip: '127.0.0.1',
  phase: 'Running',
  ready: true,
  readySince: 0,
  createdAt: 0,
  deleting: false,
  ports: [{ name: 'http', containerPort: port }],
  containers: [],
  oomKilledAt: undefined,
});

const timeoutMs = 2_000;
async function look(source: Source, pod: PodView): Promise<Reading> {
  const result = await source.read(pod, AbortSignal.timeout(timeoutMs));
  if (result.result === 'failed') throw new Error(`${result.failure.reason}: ${result.failure.message}`);
  return result.reading;
}
const failureOf = async (source: Source, pod: PodView) => {
  const result = await source.read(pod, AbortSignal.timeout(timeoutMs));
  return result.result === 'failed' ? result.failure : undefined;
};

/** Two services with steady load as two Pods, and a Prometheus that scrapes them each second. */
async function scraped() {
  await using stack = new AsyncDisposableStack();
  const started = async () =>
    stack.use(await startService({ WORKFLOW_MEAN_MS: '100', WORKFLOW_CV: '0', WORKFLOW_CPU_MS: '5' }));
  const [a, b] = [await started(), await started()] as const;
  const target = (pod: string, { metricsUrl }: ServiceProcess): string =>
    `{targets: ['${new URL(metricsUrl).host}'], labels: {namespace: ai, pod: ${pod}}}`;
  const jobs = [
    `{job_name: pods, static_configs: [${target('a', a)}, ${target('b', b)}]}`,
    `{job_name: other, static_configs: [{targets: ['${new URL(a.metricsUrl).host}'], labels: {namespace: other, pod: a}}]}`,
  ];
  const prometheus = stack.use(
    await startPrometheus({ config: `global: {scrape_interval: 1s}\nscrape_configs: [${jobs.join(', ')}]\n` }),
  );
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  /** Gives how many were answered a second, since then. */
  const load = (service: ServiceProcess, everyMs: number): (() => number) => {
    const since = performance.now();
    let answered = 0;
    const timer = setInterval(() => {
      fetch(`${service.url}/api/workflow`, { method: 'POST', signal: stop.signal })
        .then((answer) => answer.text())
        .then(
          () => void (answered += 1),
          () => undefined,
        );
    }, everyMs);
    stack.defer(() => clearInterval(timer));
    return () => (1_000 * answered) / (performance.now() - since);
  };
  const rates = { a: load(a, 100), b: load(b, 500) };
  const owned = stack.move();
  const meanOfA = async (): Promise<number> => {
    const page = await (await fetch(a.metricsUrl)).text();
    const value = (part: string): number =>
      Number(new RegExp(`^generation_workflow_duration_seconds_${part} (.*)$`, 'm').exec(page)?.[1]);
    return value('sum') / value('count');
  };
  return { rates, meanOfA, prometheus, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
const perSecond = ({ figures, elapsedMs = NaN }: Reading): number => (1_000 * (figures.requests ?? NaN)) / elapsedMs;

const secretless = () => Promise.resolve(undefined);
const sourceAt = (
  servers: PrometheusServers,
  url: string,
  more: Partial<Pick<PrometheusSourceOptions, 'queries' | 'signals' | 'namespace' | 'intervalMs'>> & {
    readonly secret?: string;
  } = {},
): Source => {
  const { secret, ...options } = more;
  return prometheusSource({
    servers,
    server: { url, secret: secret === undefined ? undefined : { namespace: 'ai', name: secret } },
    namespace: 'ai',
    intervalMs: 500,
    timeoutMs,
    ...options,
  });
};

test('Prometheus tells of each Pod what the Pod would: rates, histograms, values; and of no other namespace’s', async () => {
  await using world = await scraped();
  await using servers = createPrometheusServers({ readSecret: secretless, guard, url: undefined });
  const source = sourceAt(servers, world.prometheus.url);
  const [a, b] = [viewOf('a'), viewOf('b')];
  const last = await eventually(
    async () => {
      const reading = await look(source, a);
      expect(Math.abs(perSecond(reading) / world.rates.a() - 1)).toBeLessThan(0.05);
      return reading;
    },
    { withinMs: 90_000 }, // a rate is right after its minute, not before
  );
  const second = await look(source, b);
  expect(second.elapsedMs).toBeUndefined();
  expect(second.figures.requests).toBeUndefined(); // the first look at it
  expect(second.figures.memoryBytes).toBeGreaterThan(10_000_000);
  await eventually(async () =>
    expect(Math.abs(perSecond(await look(source, b)) / world.rates.b() - 1)).toBeLessThan(0.2),
  );

  const young = { ...viewOf('b'), uid: 'b again', readySince: Date.now() };
  await look(source, young);
  const { figures: known, elapsedMs } = await look(source, young);
  expect([elapsedMs, known.requests, known.queue]).toEqual([undefined, undefined, 0]);

  expect(last.figures).toMatchObject({ errors: 0, queue: 0, inFlight: expect.any(Number) });
  expect(last.figures.cpuSeconds).toBeGreaterThan(0);
  const { workflowDuration, cachedResponseTime } = last.histograms;
  const mean = (workflowDuration?.sum ?? NaN) / (workflowDuration?.count ?? NaN);
  expect(Math.abs(mean / (await world.meanOfA()) - 1)).toBeLessThan(0.25); // the one of the last minute, the other since the start
  expect(workflowDuration?.counts.reduce((sum, count) => sum + count, 0)).toBeCloseTo(
    workflowDuration?.count ?? NaN,
    5,
  );
  expect(cachedResponseTime?.count).toBe(0); // the family is there, and nothing came from a cache
  expect(await failureOf(source, viewOf('c'))).toMatchObject({
    reason: 'NoFigures',
    message: 'Prometheus has no series of Pod c',
  });

  const queries = {
    requestRate: 'sum by (pod) (rate(http_server_request_duration_seconds_count{namespace="ai"}[1m])) * 2',
    workflowDuration: 'sum by (pod, le) (rate(generation_workflow_duration_seconds_bucket{namespace="ai"}[1m]))',
    memory: 'sum by (pod, namespace) (0 * process_resident_memory_bytes + 7)',
  };
  const own = sourceAt(servers, world.prometheus.url, { queries });
  await look(own, a);
  await eventually(async () => {
    const reading = await look(own, a);
    const { figures, histograms } = reading;
    expect(Math.abs(perSecond(reading) / world.rates.a() - 2)).toBeLessThan(0.2);
    expect(figures.memoryBytes).toBe(7); // not that of the other namespace’s Pod besides
    expect(figures.inFlight).toBeDefined();
    expect(histograms.workflowDuration?.count).toBeGreaterThan(0);
  });

  const broken = async (query: string, signal = 'requestRate') =>
    failureOf(sourceAt(servers, world.prometheus.url, { queries: { [signal]: query } }), a);
  expect(await broken('sum by (')).toMatchObject({
    reason: 'NotUnderstood',
    message: expect.stringMatching(/refused the query: bad_data: .*parse error/),
    next: 'correct metrics[].prometheus.queries, or the names in signals',
  });
  expect(await broken('1')).toMatchObject({ message: expect.stringMatching(/with a scalar, not a vector$/) });
  expect(await broken('avg by (pod) (generation_queue_length)', 'responseTime')).toMatchObject({
    reason: 'NotUnderstood',
    message: 'the query of responseTime gives no buckets (label le)',
    next: expect.stringContaining('responseTime: sum by (namespace, pod, le)'),
  });
});

test('Pods and services that ask a Prometheus the same cost it one query an interval', async () => {
  const asked: string[] = [];
  await using server = await listening((request, response) => {
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (chunk: string) => void (body += chunk));
    request.on('end', () => {
      asked.push(new URLSearchParams(body).get('query') ?? '');
      const result = ['a', 'b', 'c'].map((pod) => ({ metric: { pod, genops: '9/value' }, value: [1, '5'] }));
      json(response, { status: 'success', data: { resultType: 'vector', result } });
    });
  });
  await using servers = createPrometheusServers({ readSecret: secretless, guard, url: undefined });
  const all = [1, 2, 3].map(() => sourceAt(servers, server.url, { intervalMs: 60_000 }));
  await Promise.all(all.flatMap((source) => ['a', 'b', 'c'].map((pod) => look(source, viewOf(pod)))));
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain('{__name__="generation_queue_length",namespace="ai"}');
  await Promise.all(all.flatMap((source) => ['a', 'b', 'c'].map((pod) => look(source, viewOf(pod)))));
  expect(asked).toHaveLength(2);
});

describe('a Prometheus behind TLS and a login', () => {
  const authority = createAuthority('test');
  const stranger = createAuthority('stranger');
  const server = issueCertificate({ commonName: 'prometheus', names: ['localhost'] }, authority);
  const client = issueCertificate({ commonName: 'genops' }, authority);
  const web = {
    config: [
      'tls_server_config: {cert_file: server.crt, key_file: server.key, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt}',
      `basic_auth_users: {genops: '$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy'}`, // open sesame
      '',
    ].join('\n'),
    files: { 'server.crt': server.certificate, 'server.key': server.key, 'ca.crt': authority.certificate },
    tls: { ca: authority.certificate, cert: client.certificate, key: client.key },
  };
  const data = (changes: Readonly<Record<string, string | undefined>> = {}): SecretData =>
    Object.fromEntries(
      Object.entries({
        'ca.crt': authority.certificate,
        'tls.crt': client.certificate,
        'tls.key': client.key,
        username: 'genops',
        password: 'open sesame\n',
        ...changes,
      }).flatMap(([key, value]) => (value === undefined ? [] : [[key, Buffer.from(value)]])),
    );

  test('is read with what the Secret has; what is missing is named; a Secret that is put right is enough', async () => {
    await using prometheus = await startPrometheus({ config: 'scrape_configs: []\n', web });
    const secrets = new Map<string, SecretData>();
    await using servers = createPrometheusServers({
      readSecret: (_, name) => Promise.resolve(secrets.get(name)),
      guard,
      url: undefined,
    });
    const queries = { memory: 'label_replace(vector(7), "pod", "a", "", "")' };
    const withSecret = (name: string) => sourceAt(servers, prometheus.url, { queries, secret: name, intervalMs: 1 });
    const read = (name: string, changes: Readonly<Record<string, string | undefined>>) => {
      secrets.set(name, data(changes));
      return failureOf(withSecret(name), viewOf('a'));
    };

    expect(await read('good', {})).toBeUndefined();
    expect((await look(withSecret('good'), viewOf('a'))).figures.memoryBytes).toBe(7);
    expect(await failureOf(withSecret('none'), viewOf('a'))).toMatchObject({
      reason: 'Secret',
      message: 'no Secret ai/none',
    });
    expect(await read('unknown-authority', { 'ca.crt': stranger.certificate })).toMatchObject({
      reason: 'Unreachable',
      next: expect.stringContaining('ca.crt'),
    });
    expect(await read('no-certificate', { 'tls.crt': undefined, 'tls.key': undefined })).toMatchObject({
      reason: 'Unreachable',
      next: expect.stringContaining('tls.crt'),
    });
    expect(await read('half', { password: undefined })).toMatchObject({ reason: 'Secret' });
    expect(await read('wrong', { password: 'wrong' })).toMatchObject({
      reason: 'BadStatus',
      message: expect.stringMatching(/answered 401$/),
      next: expect.stringContaining('username and password'),
    });
    expect(await read('wrong', {})).toBeUndefined();
  });
});

test('a bearer token goes with the query, and into no message', async () => {
  const seen: (string | undefined)[] = [];
  await using server = await listening((request, response) => {
    seen.push(request.headers.authorization);
    request.resume();
    response.writeHead(403).end();
  });
  await using servers = createPrometheusServers({
    readSecret: () => Promise.resolve({ token: Buffer.from('s3cret\n') }),
    guard,
    url: undefined,
  });
  const failure = await failureOf(sourceAt(servers, server.url, { secret: 'token' }), viewOf('a'));
  expect(seen).toEqual(['Bearer s3cret']);
  expect(JSON.stringify(failure)).not.toContain('s3cret');
});

describe('an address that a user names', () => {
  const readSecret = secretless;
  test.each([
    'http://127.0.0.1:9090',
    'http://2130706433:9090',
    'http://0x7f.1:9090',
    'http://[::1]:9090',
    'http://[::ffff:127.0.0.1]:9090',
    'http://[::ffff:a9fe:a9fe]',
    'http://169.254.169.254',
    'http://localhost:9090',
  ])('%s is not dialled', async (url) => {
    await using servers = createPrometheusServers({ readSecret, guard: createAddressGuard(), url: undefined });
    expect(await failureOf(sourceAt(servers, url), viewOf('a'))).toMatchObject({
      reason: 'AddressRefused',
      next: expect.stringContaining('--allow-metric-address'),
    });
  });
  test('the operator’s own may be anywhere, and without any the way to one is said', async () => {
    await using server = await listening((_, response) => json(response, {}));
    const own = (url: string | undefined) => createPrometheusServers({ readSecret, guard: createAddressGuard(), url });
    const source = (servers: PrometheusServers) =>
      prometheusSource({
        servers,
        server: { url: undefined, secret: undefined },
        namespace: 'ai',
        intervalMs: 1,
        timeoutMs,
      });
    await using there = own(server.url);
    expect(await failureOf(source(there), viewOf('a'))).toMatchObject({ reason: 'NotUnderstood' });
    await using none = own(undefined);
    expect(await failureOf(source(none), viewOf('a'))).toMatchObject({
      next: expect.stringContaining('--prometheus-url'),
    });
  });
});

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
      message: 'in the JSON views the share for success_rate is 99.9, not from 0 to 1',
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
  for (let count = 0; count < 5; count += 1) await get('/api/workflow', 'POST');
  for (let count = 0; count < 4; count += 1) await get('/api/item/1');

  const { figures, histograms, elapsedMs = 0 } = await look(source, pod);
  expect(figures.memoryBytes).toBeGreaterThan(10_000_000);
  expect(figures.cpuSeconds).toBeGreaterThan(0);
  expect(figures).toMatchObject({ errors: 0, cacheHitsL1: 3, cacheMissesL1: 1 });
  expect((figures.requests ?? 0) / (elapsedMs / 1_000)).toBeGreaterThan(0);
  const [lower = NaN, upper = NaN] = histograms.workflowDuration?.bounds ?? [];
  expect(lower).toBeGreaterThan(0.15);
  expect(upper).toBeLessThan(0.3);
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

async function listening(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const jsonHead = (response: ServerResponse): ServerResponse => response.setHeader('content-type', 'application/json');
const json = (response: ServerResponse, body: unknown): void => void jsonHead(response).end(JSON.stringify(body));

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
