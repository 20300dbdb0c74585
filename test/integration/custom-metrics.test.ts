import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { Pool } from 'undici';
import { stringify } from 'yaml';
import { createAuthority, issueCertificate, type KeyPair } from '../../hack/cluster/certificate.ts';
import { controlPlane, type ControlPlane } from '../../hack/cluster/control-plane.ts';
import { progressOn } from '../../hack/cluster/progress.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import type { PodRate } from '../../operator/metrics/component-window.ts';
import { serveApi, type Api } from '../../operator/serve/api.ts';
import { openCustomMetrics, type CustomMetrics } from '../../operator/serve/custom-metrics-server.ts';
import { createLeading } from '../../operator/serve/leading.ts';
import type { Listening } from '../../operator/serve/listen.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { eventually } from '../world/eventually.ts';

const run = promisify(execFile);
const logger = createLogger({ level: 'error', format: 'text' });
const observedAt = Date.UTC(2026, 10, 25, 12, 0, 0);
const rate = (pod: string, requestsPerSecond: number | undefined, app = 'x'): PodRate => ({
  namespace: 'ai',
  pod,
  labels: { app },
  state: 'Ready',
  requestsPerSecond,
  observedAt,
  windowSeconds: 30.01,
});
const rates = [rate('a', 12.3456), rate('b', 0), rate('c', undefined), rate('d', 7, 'y')];

let plane: ControlPlane;
let kube: Kube & AsyncDisposable;
let folder: string;
let serving: KeyPair;
let authority: KeyPair;
let customMetrics: CustomMetrics;
let api: Listening;
const end = new AbortController();

beforeAll(async () => {
  plane = await controlPlane(
    { controllers: true, autoscalerSyncPeriod: '1s', progress: progressOn(process.stderr) },
    AbortSignal.timeout(900_000),
  );
  kube = connectKube(await loadConfig({ kubeconfig: plane.kubeconfigPath }), { userAgent: 'test' });
  authority = createAuthority('metrics-api-ca');
  serving = issueCertificate(
    { commonName: 'genops', names: ['genops-metrics.genops.svc', 'localhost', '127.0.0.1'] },
    authority,
  );
  folder = await mkdtemp(join(tmpdir(), 'genops-tls-'));
  await Promise.all([
    writeFile(join(folder, 'tls.crt'), serving.certificate),
    writeFile(join(folder, 'tls.key'), serving.key),
  ]);
  customMetrics = openCustomMetrics({
    kube,
    collector: {
      podRatesIn: (namespace, matches) =>
        namespace === 'ai' ? rates.filter(({ pod, labels }) => matches({ name: pod, labels })) : [],
    },
    leading: { leads: () => true, forward: () => Promise.reject(new Error('nobody else leads')) },
    logger,
  });
  api = await serveApi({
    address: '127.0.0.1:0',
    certDir: folder,
    customMetrics,
    views: undefined,
    logger,
    signal: end.signal,
    lookEveryMs: 200,
  });
  await install();
}, 900_000);

afterAll(async () => {
  end.abort();
  await api[Symbol.asyncDispose]();
  await customMetrics[Symbol.asyncDispose]();
  await kube[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function kubectl(args: readonly string[], input = ''): Promise<string> {
  const running = run(join(plane.binDir, 'kubectl'), ['--kubeconfig', plane.kubeconfigPath, ...args]);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

/** The APIService as the chart makes it. Without a node its Service is a name for this machine. */
async function install(): Promise<void> {
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'genops' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ai' } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'genops-metrics', namespace: 'genops' },
      spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port: api.port }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta2.custom.metrics.k8s.io' },
      spec: {
        group: 'custom.metrics.k8s.io',
        version: 'v1beta2',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        caBundle: Buffer.from(authority.certificate).toString('base64'),
        service: { namespace: 'genops', name: 'genops-metrics', port: api.port },
      },
    },
  ];
  await kubectl(['apply', '-f', '-'], objects.map((object) => stringify(object)).join('---\n'));
  await kubectl(['wait', 'apiservice/v1beta2.custom.metrics.k8s.io', '--for=condition=Available', '--timeout=60s']);
}

const raw = (path: string): Promise<string> => kubectl(['get', '--raw', `/apis/custom.metrics.k8s.io/v1beta2${path}`]);

interface Answer {
  readonly status: number | undefined;
  readonly body: { readonly reason?: string; readonly message?: string };
}

/** Straight to the server, past the API server. */
async function direct(
  client: KeyPair | undefined,
  headers: Readonly<Record<string, string>> = {},
  port = api.port,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const asked = request(
    {
      host: '127.0.0.1',
      port,
      path: '/apis/custom.metrics.k8s.io/v1beta2/namespaces/ai/pods/*/requests_per_second',
      ca: authority.certificate,
      headers,
      agent: false,
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
    },
    (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) as Answer['body'] }));
    },
  );
  asked.on('error', reject).end();
  return promise;
}

const item = (name: string, value: string) => ({
  describedObject: { kind: 'Pod', namespace: 'ai', name, apiVersion: 'v1' },
  metric: { name: 'requests_per_second', selector: null },
  timestamp: '2026-11-25T12:00:00Z',
  windowSeconds: 30,
  value,
});

describe('through the API server', () => {
  test('lists the metric of all Pods that a selector chooses, without those whose value is unknown', async () => {
    const list: unknown = JSON.parse(await raw('/namespaces/ai/pods/*/requests_per_second?labelSelector=app%3Dx'));
    expect(list).toEqual({
      kind: 'MetricValueList',
      apiVersion: 'custom.metrics.k8s.io/v1beta2',
      metadata: {},
      items: [item('a', '12346m'), item('b', '0m')],
    });
  });

  test('gives that of one Pod by its name, and says NotFound where there is none', async () => {
    expect(JSON.parse(await raw('/namespaces/ai/pods/d/requests_per_second'))).toMatchObject({
      items: [{ value: '7000m' }],
    });
    await expect(raw('/namespaces/ai/pods/c/requests_per_second')).rejects.toThrow('NotFound');
    await expect(raw('/namespaces/ai/pods/*/other')).rejects.toThrow('NotFound');
  });

  test('is discovered like any other API', async () => {
    expect(JSON.parse(await raw(''))).toMatchObject({
      kind: 'APIResourceList',
      resources: [{ name: 'pods/requests_per_second', namespaced: true, kind: 'MetricValueList', verbs: ['get'] }],
    });
    expect(await kubectl(['api-versions'])).toContain('custom.metrics.k8s.io/v1beta2');
  });

  test('the HPA controller scales by it: 12.3 + 0 + 7 over a target of 4 wants 5', async () => {
    await workload();
    await eventually(
      async () => {
        const hpa = JSON.parse(await kubectl(['-n', 'ai', 'get', 'hpa', 'workload', '-o', 'json'])) as {
          readonly status?: { readonly desiredReplicas?: number; readonly currentMetrics?: readonly unknown[] };
        };
        expect(hpa.status).toMatchObject({
          desiredReplicas: 5,
          currentMetrics: [
            { type: 'Pods', pods: { metric: { name: 'requests_per_second' }, current: { averageValue: '6448m' } } },
          ],
        });
      },
      { withinMs: 60_000, explain: () => kubectl(['-n', 'ai', 'describe', 'hpa', 'workload']) },
    );
  });
});

/** A Deployment whose three Pods have no node: their status says that they are Ready. */
async function workload(): Promise<void> {
  const labels = { app: 'scaled' };
  const podSpec = { containers: [{ name: 'app', image: 'none' }] };
  const objects = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'workload', namespace: 'ai' },
      spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
    },
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'workload', namespace: 'ai' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workload' },
        minReplicas: 1,
        maxReplicas: 10,
        metrics: [
          {
            type: 'Pods',
            pods: { metric: { name: 'requests_per_second' }, target: { type: 'AverageValue', averageValue: '4' } },
          },
        ],
      },
    },
  ];
  await kubectl(['apply', '-f', '-'], objects.map((object) => stringify(object)).join('---\n'));
  const names = await eventually(async () => {
    const found = (await kubectl(['-n', 'ai', 'get', 'pods', '-l', 'app=scaled', '-o', 'name'])).trim().split('\n');
    expect(found).toHaveLength(3);
    return found;
  });
  const ready = {
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], startTime: '2026-11-25T00:00:00Z' },
  };
  for (const [index, name] of names.entries()) {
    await kubectl(['-n', 'ai', 'patch', name, '--subresource=status', '--type=merge', '-p', JSON.stringify(ready)]);
    rates.push(rate(name.replace('pod/', ''), [12.3456, 0, 7][index], 'scaled'));
  }
}

describe('past the API server', () => {
  const user = { 'x-remote-user': 'someone' };
  test('nobody is answered without a client certificate', async () => {
    expect(await direct(undefined, user)).toMatchObject({ status: 401, body: { reason: 'Unauthorized' } });
  });
  test('nobody is answered with one of another authority, though its name is right', async () => {
    const forged = issueCertificate({ commonName: 'front-proxy-client' }, createAuthority('front-proxy-ca'));
    expect(await direct(forged, user)).toMatchObject({ status: 401 });
  });
  test('nobody is answered with one of the right authority for another name, nor by asking again on the connection', async () => {
    const read = (name: string): Promise<string> => readFile(join(dirname(plane.kubeconfigPath), name), 'utf8');
    const signing = { certificate: await read('front-proxy-ca.crt'), key: await read('front-proxy-ca.key') };
    const { certificate: cert, key } = issueCertificate({ commonName: 'somebody' }, signing);
    const tls = { ca: authority.certificate, cert, key };
    const pool = new Pool(`https://127.0.0.1:${api.port}`, { connections: 1, connect: tls });
    const path = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/ai/pods/*/requests_per_second';
    for (let turn = 0; turn < 2; turn++) {
      const { statusCode, body } = await pool.request({ method: 'GET', path, headers: user });
      expect([statusCode, await body.text()]).toEqual([403, expect.stringContaining('somebody')]);
    }
    await pool.close();
  });
  test('the front proxy itself has to name a user', async () => {
    expect(await direct(await frontProxy())).toMatchObject({ status: 401 });
    expect(await direct(await frontProxy(), user)).toMatchObject({ status: 200 });
  });
});

test('a replica that does not lead asks the one that does, which knows it by the certificate that both have', async () => {
  await using leading = createLeading({
    leads: () => false,
    leader: () => ({ identity: 'leader', address: `127.0.0.1:${api.port}` }),
    keyPair: () => follower.keyPair(),
  });
  await using own = openCustomMetrics({ kube, collector: { podRatesIn: () => [] }, leading, logger });
  await using follower: Api = await serveApi({
    address: '127.0.0.1:0',
    certDir: folder,
    customMetrics: own,
    views: undefined,
    logger,
    signal: end.signal,
  });
  const user = { 'x-remote-user': 'someone' };
  expect(await direct(undefined, user, follower.port)).toMatchObject({ status: 401 });
  const client = await frontProxy();
  await eventually(async () => {
    const { status, body } = await direct(client, user, follower.port);
    expect({ status, items: (body as { readonly items?: readonly unknown[] }).items }).toEqual({
      status: 200,
      items: expect.arrayContaining([item('a', '12346m'), item('d', '7000m')]),
    });
  });
});

/** The API server's own client certificate. */
async function frontProxy(): Promise<KeyPair> {
  const [certificate, key] = await Promise.all(
    ['front-proxy-client.crt', 'front-proxy-client.key'].map(readCredential),
  );
  return { certificate: certificate ?? '', key: key ?? '' };
}

async function readCredential(file: string): Promise<string> {
  const { stdout } = await run('find', [dirname(plane.kubeconfigPath), '-name', file]);
  return readFile(stdout.trim(), 'utf8');
}

test('takes over a renewed certificate without a restart', async () => {
  const served = async (): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port: api.port, ca: authority.certificate });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  expect(await served()).toBe(new X509Certificate(serving.certificate).fingerprint256);
  const renewed = issueCertificate(
    { commonName: 'genops', names: ['genops-metrics.genops.svc', 'localhost', '127.0.0.1'] },
    authority,
  );
  await writeFile(join(folder, 'tls.crt'), renewed.certificate); // one file before the other: a pair that does not fit is not taken
  await writeFile(join(folder, 'tls.key'), renewed.key);
  await eventually(async () => expect(await served()).toBe(new X509Certificate(renewed.certificate).fingerprint256));
});

test('answers a metric about as fast as the list of metrics, at 100 requests a second', async () => {
  const { certificate: cert, key } = await frontProxy();
  const pool = new Pool(`https://127.0.0.1:${api.port}`, {
    connections: 4,
    connect: { cert, key, ca: authority.certificate },
  });
  const list = '/apis/custom.metrics.k8s.io/v1beta2';
  const metric = `${list}/namespaces/ai/pods/*/requests_per_second?labelSelector=app%3Dx`;
  const ask = async (path: string, due: number): Promise<number> => {
    await pause(Math.max(0, due - performance.now()));
    const sent = performance.now();
    const { body } = await pool.request({ method: 'GET', path, headers: { 'x-remote-user': 'someone' } });
    await body.text();
    return performance.now() - sent;
  };
  await Promise.all([list, list, metric, metric].map((path) => ask(path, 0))); // the handshakes
  const start = performance.now() + 50;
  const at100 = (path: string, offset: number): Promise<readonly number[]> =>
    Promise.all(Array.from({ length: 250 }, (_, index) => ask(path, start + offset + index * 20)));
  const [lists, metrics] = await Promise.all([at100(list, 0), at100(metric, 10)]); // in turns: a busy machine delays both
  await pool.close();
  const median = (of: readonly number[] = []): number => of.toSorted((a, b) => a - b)[of.length / 2] ?? Infinity;
  process.stderr.write(
    `  metrics API at 100/s: list ${median(lists).toFixed(2)}, metric ${median(metrics).toFixed(2)} ms\n`,
  );
  expect(median(metrics)).toBeLessThan(5 * median(lists)); // how fast that is, the benchmark says
});
