import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { waitUntil } from '../../hack/cluster/ready.ts';
import { resource } from '../../operator/kube/resource.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import type { FakePodsAnswer, FakePodsInput } from './fake-pods.ts';
import { converge, measured, type Measured } from './lines.ts';
import { inFlight } from './load.ts';
import { apiService, externalService, namespaceNames, pod, podStatus } from './manifests.ts';
import type { Serving } from './serve.ts';
import type { World } from './world.ts';

const core = (plural: string, kind: string) => resource({ group: '', version: 'v1', plural, kind, namespaced: true });
const pods = core('pods', 'Pod');
const services = core('services', 'Service');
const apiServices = resource({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
});

/** Kubernetes’ own client limit (20 a second) allows ten syncs a second, whatever anybody serves: it is raised, the workers are as they come. */
export const autoscalerFlags = (port: number): readonly string[] => [
  '--controllers=horizontal-pod-autoscaler-controller,serviceaccount-controller',
  '--kube-api-qps=1000',
  '--kube-api-burst=2000',
  `--secure-port=${port}`,
  '--bind-address=127.0.0.1',
  '--authorization-always-allow-paths=/metrics',
];

export interface HpaInput {
  readonly server: Serving;
  /** Of kube-controller-manager. */
  readonly metricsPort: number;
  readonly seconds: number;
}

/** The real HPA controller looks at every service’s two Pods, and reads requests per second from our metrics API. */
export async function hpa(
  { server, metricsPort, seconds }: HpaInput,
  world: World,
  signal: AbortSignal,
): Promise<Measured> {
  await using workload = await startWorkload(world.places, signal);
  await furnish(workload, server, world, signal);
  await converge(world, signal);
  const patience = AbortSignal.any([signal, AbortSignal.timeout(300_000)]);
  while (!(await allMeasured(world, patience))) await delay(5_000, undefined, { signal: patience });
  using asked = controllerMetrics(metricsPort);
  await world.meter.lap(signal);
  const before = await asked.read(signal);
  await delay(1_000 * seconds, undefined, { signal });
  const after = await asked.read(signal);
  const lap = await world.meter.lap(signal);
  const grown = (name: keyof typeof after): number => after[name] - before[name];
  return measured('hpa', lap, {
    syncsPerSecond: grown('syncs') / lap.seconds,
    syncMeanMs: (1_000 * grown('syncSeconds')) / grown('syncs'),
    requestsPerSync: grown('clientRequests') / grown('syncs'),
    failedSyncs: grown('failed'),
  });
}

interface Workload extends AsyncDisposable, FakePodsAnswer {
  /** PEM. */
  readonly ca: string;
}

async function startWorkload(places: World['places'], signal: AbortSignal): Promise<Workload> {
  const authority = createAuthority('metrics-server-ca');
  const names = ['metrics-server.kube-system.svc'];
  const { certificate: cert, key } = issueCertificate({ commonName: 'metrics-server', names }, authority);
  const child = fork(join(import.meta.dirname, 'fake-pods.ts'));
  const ended = once(child, 'exit');
  child.send({ places, ports: namespaceNames.length, tls: { cert, key } } satisfies FakePodsInput);
  const [answer] = (await once(child, 'message', { signal })) as [FakePodsAnswer];
  return {
    ...answer,
    ca: authority.certificate,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

/** The Pods, and both metrics APIs behind the API server. Without a node a Service is a name for this machine. */
async function furnish(
  { podPorts, metricsPort, ca }: Workload,
  { origin, ca: ownCa }: Serving,
  { kube, places }: World,
  signal: AbortSignal,
): Promise<void> {
  await inFlight(
    places.flatMap((place, at) => [0, 1].map((index) => ({ place, index, port: podPorts[at % podPorts.length] ?? 0 }))),
    async ({ place, index, port }) => {
      const made = pod(place, index, port);
      await kube.create(pods, made, {}, signal);
      const status = { op: 'add', path: '/status', value: podStatus() } as const;
      await kube.patch(pods, `${place.namespace}/${made.metadata.name}`, [status], { subresource: 'status' }, signal);
    },
  );
  const served = [
    {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      namespace: 'kube-system',
      name: 'metrics-server',
      port: metricsPort,
      ca,
    },
    {
      group: 'custom.metrics.k8s.io',
      version: 'v1beta2',
      namespace: 'genops-system',
      name: 'genops',
      port: Number(new URL(origin).port),
      ca: ownCa,
    },
  ];
  for (const api of served) {
    await kube.create(services, externalService(api), {}, signal);
    await kube.create(apiServices, apiService(api), {}, signal);
    const path = `/apis/${api.group}/${api.version}`;
    const answers = () =>
      kube.raw({ path }, signal).then(
        () => true,
        () => false,
      );
    await waitUntil(`${path} answers`, answers, { timeoutMs: 60_000, signal });
  }
}

interface Autoscaler extends KubeObject {
  readonly status?: { readonly currentMetrics?: readonly { readonly type: string }[] };
}

/** Whether the controller has read CPU, memory and our metric of every service. */
async function allMeasured({ kube, places }: World, signal: AbortSignal): Promise<boolean> {
  const all = await kube.list<Autoscaler>(horizontalPodAutoscalers, {}, signal);
  const types = all.map(({ status }) => status?.currentMetrics?.map(({ type }) => type).join());
  return types.filter((seen) => seen === 'Resource,Resource,Pods').length === places.length;
}

/** What kube-controller-manager says of its HPA controller and of its client. */
function controllerMetrics(port: number) {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } }); // its certificate is made at its start
  return {
    async read(signal: AbortSignal) {
      const { body } = await request(`https://127.0.0.1:${port}/metrics`, { dispatcher, signal });
      const text = await body.text();
      const sum = (name: string, labels = ''): number =>
        [...text.matchAll(new RegExp(`^${name}(?:\\{.*${labels}.*\\})? (\\S+)$`, 'gm'))]
          .map(([, value]) => Number(value))
          .reduce((total, value) => total + value, 0);
      const name = 'horizontal_pod_autoscaler_controller_reconciliation';
      return {
        syncs: sum(`${name}s_total`),
        failed: sum(`${name}s_total`) - sum(`${name}s_total`, 'error="none"'),
        syncSeconds: sum(`${name}_duration_seconds_sum`),
        clientRequests: sum('rest_client_requests_total'),
      };
    },
    [Symbol.dispose]: () => void dispatcher.destroy(),
  };
}
