import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { freePort } from '../../hack/servers/free-port.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { consistently, eventually } from '../world/eventually.ts';
import { startOperator } from '../world/operator-process.ts';
import { soon, startPlane } from './kube-world.ts';

const run = promisify(execFile);
const apiService = 'v1beta2.custom.metrics.k8s.io';
/** An EndpointSlice takes no loopback. */
const ownAddress = Object.values(networkInterfaces()).flat().find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? ''; // prettier-ignore

type Pair = Readonly<Record<'ca.crt' | 'tls.crt' | 'tls.key', string>>;
const decoded = (text: string): string => Buffer.from(text, 'base64').toString();

test('a certificate of the chart is rotated without one request to the metrics API that fails, and the authority before is forgotten with the next upgrade', async () => {
  await using plane = await startPlane('--enable-aggregator-routing=true');
  await using kube = connectKube(await loadConfig({ kubeconfig: plane.kubeconfigPath }), {
    userAgent: 'rotation-test',
  });
  await using stack = new AsyncDisposableStack();
  const mounted = await mkdtemp(join(tmpdir(), 'genops-rotation-'));
  stack.defer(() => rm(mounted, { recursive: true }));
  const call = async (program: 'kubectl' | 'helm', args: readonly string[]): Promise<string> => {
    const env = { ...process.env, KUBECONFIG: plane.kubeconfigPath };
    return (await run(join(plane.binDir, program), args, { env, timeout: 60_000, maxBuffer: 2 ** 24 })).stdout;
  };
  const get = async <T>(...what: readonly string[]): Promise<T> =>
    JSON.parse(await call('kubectl', ['get', '-o', 'json', ...what])) as T;
  const secret = async (): Promise<Pair> => {
    const { data } = await get<{ readonly data: Pair }>('secret', 'genops-tls', '-n', 'genops-system');
    return { 'ca.crt': decoded(data['ca.crt']), 'tls.crt': decoded(data['tls.crt']), 'tls.key': decoded(data['tls.key']) }; // prettier-ignore
  };
  const believed = async (): Promise<string> =>
    decoded((await get<{ readonly spec: { readonly caBundle: string } }>('apiservice', apiService)).spec.caBundle);
  /** What the kubelet does, a minute or two later. */
  const mount = async (pair: Pair): Promise<void> => {
    for (const [file, text] of Object.entries(pair)) await writeFile(join(mounted, file), text);
  };

  const release = ['genops', 'charts/genops', '-n', 'genops-system'];
  await call('helm', ['install', ...release, '--create-namespace', '--set', 'metricsAPI.enabled=true']);
  await call('kubectl', ['create', 'namespace', 'ai']);
  const first = await secret();
  expect(await believed()).toBe(first['ca.crt']);
  await mount(first);
  const port = await freePort();
  const serving = ['--metrics-api-service', 'genops-system/genops', '--tls-cert-dir', mounted];
  const flags = [...serving, '--api-bind-address', `${ownAddress}:${port}`];
  await using _ = await startOperator({ kubeconfig: plane.kubeconfigPath, namespace: 'ai', flags });
  await endpoint(kube, port);
  await call('kubectl', ['wait', `apiservice/${apiService}`, '--for=condition=Available', '--timeout=60s']);
  await eventually(() => ask(kube));
  await using asking = keepAsking(kube);

  await call('kubectl', ['delete', 'secret', 'genops-tls', '-n', 'genops-system']);
  await call('helm', ['upgrade', ...release, '--reset-then-reuse-values']);
  const second = await secret();
  expect(second['ca.crt']).not.toBe(first['ca.crt']);
  expect(await believed()).toBe(second['ca.crt'] + first['ca.crt']);
  await consistently(() => ask(kube), { forMs: 5_000 }); // with the pair before, which is all that the Pod has
  await mount(second);
  await eventually(() => shown(port, second['ca.crt']), { withinMs: 60_000 }); // looked at twice a minute
  await call('helm', ['upgrade', ...release, '--reset-then-reuse-values']);
  expect([await secret(), await believed()]).toEqual([second, second['ca.crt']]);
  await consistently(() => ask(kube), { forMs: 5_000 });

  expect(asking.failures).toEqual([]);
  expect(asking.answers()).toBeGreaterThan(50);
}, 240_000);

const ask = (kube: Kube): Promise<unknown> => kube.raw({ path: '/apis/custom.metrics.k8s.io/v1beta2' }, soon());

/** Ten times a second, until it is disposed. */
function keepAsking(kube: Kube) {
  const end = new AbortController();
  const failures: string[] = [];
  let answers = 0;
  const loop = async (): Promise<void> => {
    while (!end.signal.aborted) {
      await ask(kube).then(
        () => (answers += 1),
        (error: unknown) => failures.push(String(error)),
      );
      await pause(100);
    }
  };
  const ended = loop();
  return {
    failures,
    answers: () => answers,
    [Symbol.asyncDispose]: () => {
      end.abort();
      return ended;
    },
  };
}

/** Where the Service of the chart leads: the operator runs beside the API server, not in a Pod. */
async function endpoint(kube: Kube, port: number): Promise<void> {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'genops', labels: { 'kubernetes.io/service-name': 'genops' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [ownAddress], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
  const path = '/apis/discovery.k8s.io/v1/namespaces/genops-system/endpointslices';
  await kube.raw({ path, method: 'POST', body: slice }, soon());
}

/** @throws Error unless what is served on the port is of this authority. */
async function shown(port: number, ca: string): Promise<void> {
  const socket = connect({ host: ownAddress, port, ca, servername: 'genops.genops-system.svc' });
  await once(socket, 'secureConnect');
  socket.destroy();
}
