import { describe, expect, test } from '@jest/globals';
import type { RequestListener } from 'node:http';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { startPrometheus } from '../../hack/servers/prometheus.ts';
import type { Reading } from '../../operator/metrics/reading.ts';
import { createPrometheusServers, type SecretData } from '../../operator/metrics/sources/prometheus-server.ts';
import { startService, type ServiceProcess } from '../workload/service-process.ts';
import { eventually } from '../world/eventually.ts';
import { failureOf, guard, json, listening, look, secretless, sourceAt, viewOf } from './source-world.ts';

/** Two services with steady load as two Pods, and a Prometheus that scrapes them each second. */
async function scraped() {
  await using stack = new AsyncDisposableStack();
  const started = async () =>
    stack.use(await startService({ WORKFLOW_MEAN_MS: '100', WORKFLOW_CV: '0', WORKFLOW_CPU_MS: '5' }));
  const [a, b] = [await started(), await started()] as const;
  const generating = stack.use(await listening(genAiPage()));
  const target = (pod: string, metricsUrl: string): string =>
    `{targets: ['${new URL(metricsUrl).host}'], labels: {namespace: ai, pod: ${pod}}}`;
  const jobs = [
    `{job_name: pods, static_configs: [${target('a', a.metricsUrl)}, ${target('b', b.metricsUrl)}, ${target('gen-ai', generating.url)}]}`,
    `{job_name: other, static_configs: [{targets: ['${new URL(a.metricsUrl).host}'], labels: {namespace: other, pod: a}}]}`,
  ];
  const prometheus = stack.use(
    await startPrometheus({ config: `global: {scrape_interval: 1s}\nscrape_configs: [${jobs.join(', ')}]\n` }),
  );
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  /** Gives how many were answered a second of the last minute; NaN before that is over. */
  const load = (service: ServiceProcess, everyMs: number): (() => number) => {
    const since = performance.now();
    const answered: number[] = [];
    const timer = setInterval(() => {
      fetch(`${service.url}/api/workflow`, { method: 'POST', signal: stop.signal })
        .then((answer) => answer.text())
        .then(
          () => void answered.push(performance.now()),
          () => undefined,
        );
    }, everyMs);
    stack.defer(() => clearInterval(timer));
    return () => {
      const from = performance.now() - 60_000;
      return from < since ? NaN : answered.filter((at) => at > from).length / 60;
    };
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

/** A workload with OpenTelemetry's names, as its exporter for Node writes them: since its start ten requests a second, a tenth of them failed, half within a second. */
function genAiPage(): RequestListener {
  const start = performance.now();
  const name = 'gen_ai_server_request_duration';
  const model = 'gen_ai_operation_name="chat",gen_ai_request_model="m"';
  return (_, response) => {
    const count = (performance.now() - start) / 100;
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(
      [
        `# TYPE ${name} histogram`,
        ...[
          { labels: model, of: 0.9 * count },
          { labels: `${model},error_type="timeout"`, of: 0.1 * count },
        ].flatMap(({ labels, of }) => [
          `${name}_bucket{${labels},le="1"} ${of / 2}`,
          `${name}_bucket{${labels},le="+Inf"} ${of}`,
          `${name}_sum{${labels}} ${of * 1.5}`,
          `${name}_count{${labels}} ${of}`,
        ]),
        '',
      ].join('\n'),
    );
  };
}

const perSecond = ({ figures, elapsedMs = NaN }: Reading): number => (1_000 * (figures.requests ?? NaN)) / elapsedMs;
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

  const generating = viewOf('gen-ai');
  await look(source, generating);
  await eventually(async () => {
    const reading = await look(source, generating);
    expect(perSecond(reading)).toBeCloseTo(10, 0);
    expect((reading.figures.errors ?? NaN) / (reading.figures.requests ?? NaN)).toBeCloseTo(0.1, 3);
    const { responseTime, workflowDuration, cachedResponseTime } = reading.histograms;
    expect((responseTime?.counts[0] ?? NaN) / (responseTime?.count ?? NaN)).toBeCloseTo(0.5, 3);
    expect(workflowDuration?.bounds).toEqual([1, Infinity]);
    expect(cachedResponseTime).toBeUndefined();
  });

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

test('Services of several namespaces that ask a Prometheus the same cost it one query', async () => {
  await using world = await scraped();
  const { url } = world.prometheus;
  const queries = async (): Promise<number> => {
    const page = await (await fetch(`${url}/metrics`)).text();
    const line = /^prometheus_http_requests_total\{code="200",handler="\/api\/v1\/query"\} (\d+)$/m.exec(page);
    return Number(line?.[1] ?? 0);
  };
  await using servers = createPrometheusServers({ readSecret: secretless, guard, url: undefined });
  const ai = sourceAt(servers, url, { intervalMs: 2_000 });
  const other = sourceAt(servers, url, { namespace: 'other', intervalMs: 2_000 });
  const stranger = { ...viewOf('a'), namespace: 'other', uid: 'stranger' };
  await eventually(
    async () => {
      const before = await queries();
      await look(ai, viewOf('b'));
      expect((await look(other, stranger)).figures.memoryBytes).toBeGreaterThan(10_000_000);
      expect(await failureOf(other, { ...stranger, name: 'b', uid: 'none' })).toMatchObject({ reason: 'NoFigures' });
      expect((await queries()) - before).toBe(1); // each look takes an answer that it has not seen
    },
    { withinMs: 60_000 },
  );
});

test('Namespaces whose answer is too large together are asked for apart, in the same look', async () => {
  const asked: string[] = [];
  await using server = await listening((request, response) => {
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (chunk: string) => void (body += chunk));
    request.on('end', () => {
      const namespaces = /namespace=~?"([^"]*)"/.exec(new URLSearchParams(body).get('query') ?? '')?.[1] ?? '';
      asked.push(namespaces);
      const padding = 'x'.repeat(1_000 * (namespaces.split('|').length - 1));
      const result = [{ metric: { pod: 'a', genops: '9/value', padding }, value: [1, '5'] }];
      json(response, { status: 'success', data: { resultType: 'vector', result } });
    });
  });
  const maxResponseBytes = 3_500; // five are too many
  await using servers = createPrometheusServers({ readSecret: secretless, guard, url: undefined, maxResponseBytes });
  for (const namespace of ['n1', 'n2', 'n3', 'n4', 'n5', 'n1'])
    await look(sourceAt(servers, server.url, { namespace, intervalMs: 0 }), { ...viewOf('a'), namespace });
  expect(asked).toEqual(['n1', 'n1|n2', 'n1|n2|n3', 'n1|n2|n3|n4', 'n1|n2|n3|n4|n5', 'n5', 'n1|n2']);
});

test('Namespaces that are not answered in time together are asked for apart from the next look on', async () => {
  await using server = await listening((request, response) => {
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (chunk: string) => void (body += chunk));
    request.on('end', () => {
      if (new URLSearchParams(body).get('query')?.includes('n1|n2|n3') === true) return; // it works on it
      const result = [{ metric: { pod: 'a', genops: '9/value' }, value: [1, '5'] }];
      json(response, { status: 'success', data: { resultType: 'vector', result } });
    });
  });
  await using servers = createPrometheusServers({ readSecret: secretless, guard, url: undefined });
  const sourceOf = (namespace: string) => sourceAt(servers, server.url, { namespace, intervalMs: 0 });
  for (const namespace of ['n1', 'n2']) await look(sourceOf(namespace), { ...viewOf('a'), namespace });
  const third = { ...viewOf('a'), namespace: 'n3' };
  expect(await failureOf(sourceOf('n3'), third)).toMatchObject({ reason: 'TimedOut' });
  await look(sourceOf('n3'), third);
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
