import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startPrometheus } from '../../hack/servers/prometheus.ts';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import { podResource, projectPod, stateOf, type PodView } from '../../operator/metrics/pod-view.ts';
import { podsSource, createScraper } from '../../operator/metrics/sources/pods.ts';
import { createResourceUsage, resourceSource, withResource } from '../../operator/metrics/sources/resource.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { constant } from '../workload/load/profile.ts';
import { runLoad } from '../workload/load/run.ts';
import { startService } from '../workload/service-process.ts';
import { deployment, generationService } from '../world/builders.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { clusterRanges, followPods } from '../world/pods.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';

const [intervalMs, timeoutMs] = [5_000, 3_000];
const patience = { withinMs: 120_000 };
const often = { collector: { interval: '3s', timeout: '2s' } };
const workflow = {
  name: 'workflow',
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
};

/** Of all tests: metrics-server takes half a minute to have figures of new Pods. */
let world: World;
let pods: readonly PodView[];

beforeAll(async () => {
  await clusterTools(['workload'], AbortSignal.timeout(600_000));
  world = await startWorld({ operator: false });
  pods = await startPods();
}, 600_000);
afterEach(async () => {
  if ((await world.get(generationServices, 'generation')) === undefined) return;
  await world.delete(generationServices, 'generation');
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
});
afterAll(async () => world[Symbol.asyncDispose]());

/** Two Pods of the reference workload, without a port named metrics. */
async function startPods(): Promise<readonly PodView[]> {
  const { spec, ...silent } = deployment('workflow-execution', { replicas: 2 });
  const container = {
    name: 'app',
    image: 'genops-workload:dev',
    imagePullPolicy: 'IfNotPresent',
    ports: [{ name: 'http', containerPort: 8080 }],
    resources: { limits: { memory: '256Mi' } },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
  const template = { ...spec.template, spec: { containers: [container] } };
  await world.apply({ ...silent, spec: { ...spec, template } });
  return world.eventually(async () => {
    const found = await world.kube.list(podResource, { namespace: world.namespace }, world.signal);
    const ready = found.map(projectPod).filter((pod) => stateOf(pod) === 'Ready');
    expect(ready).toHaveLength(2);
    return ready;
  }, patience);
}

test('metrics.k8s.io of a real metrics-server: cores and working set of the container, one list for all; named what it has not', async () => {
  const [pod, other] = pods;
  if (pod === undefined || other === undefined) throw new Error('no Pods');
  let lists = 0;
  const counting: Pick<World['kube'], 'list'> = {
    list: (...call) => {
      lists += 1;
      return world.kube.list(...call);
    },
  };
  const usage = createResourceUsage(counting);
  const source = resourceSource({ usage, containerName: undefined, intervalMs, timeoutMs });
  const signal = AbortSignal.timeout(120_000);
  await world.eventually(async () => expect(await source.read(pod, signal)).toMatchObject({ result: 'read' }), {
    withinMs: 120_000, // metrics-server asks the kubelet each 15 s
  });
  const second = await source.read(pod, signal);
  expect(second).toMatchObject({
    result: 'read',
    reading: {
      elapsedMs: expect.any(Number),
      figures: { memoryBytes: expect.any(Number), cpuSeconds: expect.any(Number) },
    },
  });
  const { reading } = { reading: undefined, ...second };
  expect(reading?.figures.memoryBytes).toBeGreaterThan(10 * 2 ** 20);
  expect(reading?.figures.memoryBytes).toBeLessThan(256 * 2 ** 20);
  const before = lists;
  await Promise.all(
    Array.from({ length: 20 }, () =>
      resourceSource({ usage, containerName: 'app', intervalMs: 60_000, timeoutMs }).read(other, signal),
    ),
  );
  expect(lists - before).toBeLessThanOrEqual(1);

  const named = (containerName: string) => resourceSource({ usage, containerName, intervalMs, timeoutMs });
  expect(await named('proxy').read(pod, signal)).toMatchObject({
    failure: { reason: 'NoFigures', message: `metrics.k8s.io has no figures of Pod ${pod.name}, container proxy` },
  });

  await using service = await startService();
  const scraper = createScraper();
  await using _ = { [Symbol.asyncDispose]: () => scraper.destroy() };
  const exposition = podsSource({
    endpoint: { port: Number(new URL(service.metricsUrl).port), path: '/metrics', scheme: 'HTTP' },
    scraper,
    guard: createAddressGuard({ widen: ['127.0.0.0/8'] }),
  });
  const asked = { usage, containerName: undefined, intervalMs: 60_000, timeoutMs };
  const both = withResource(exposition, asked);
  const local = { ...pod, ip: '127.0.0.1' };
  const { reading: alone } = { reading: undefined, ...(await resourceSource(asked).read(pod, signal)) };
  const { reading: together } = { reading: undefined, ...(await both.read(local, signal)) };
  expect(together?.figures.memoryBytes).toBe(alone?.figures.memoryBytes); // of the Pod's container, not of the process beside us that stands for it
  expect(together?.figures.queue).toBe(0);
  expect(await both.read({ ...pod, ip: '169.254.169.254' }, signal)).toMatchObject({
    failure: { reason: 'AddressRefused' },
    usage: { figures: { memoryBytes: expect.any(Number) } }, // objective A4 stays judged while nothing else can be read
  });
});

test('Pods that serve no metrics have their memory judged by metrics.k8s.io, and the condition says what is missing', async () => {
  await world.restartOperator();
  await world.apply(generationService({ overrides: often }));
  await world.eventually(
    async () => {
      const service = await world.service();
      expect(service.status?.objectives?.find(({ name }) => name === 'Memory')).toMatchObject({ state: 'Met' });
      const wanted = { status: 'False', reason: 'SourceUnreachable' };
      expect(expectCondition(service, 'MetricsAvailable', wanted).message).toMatch(
        /^saw Pod .* has no container port named metrics \(component workflow\)/,
      );
    },
    { withinMs: 120_000 },
  );
});

test('a Prometheus is read where a service names one, and status says so; where it is gone, or may not be dialled, that is said', async () => {
  await world.restartOperator(['--allow-metric-address', '127.0.0.0/8']);
  await using service = await startService();
  const targets = pods.map(
    ({ name }) =>
      `{targets: ['${new URL(service.metricsUrl).host}'], labels: {namespace: ${world.namespace}, pod: ${name}}}`,
  );
  await using prometheus = await startPrometheus({
    config: `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: pods, static_configs: [${targets.join(', ')}]}]\n`,
  });
  const metrics = [{ type: 'Prometheus' as const, prometheus: { url: prometheus.url } }, { type: 'Resource' as const }];
  await world.apply(generationService({ overrides: often, components: [{ ...workflow, metrics }] }));
  await world.eventually(
    async () => {
      const seen = await world.service();
      expectCondition(seen, 'MetricsAvailable', { status: 'True', reason: 'Fresh' });
      expect(seen.status?.components).toMatchObject([{ metricsSource: 'Prometheus' }]);
    },
    { withinMs: 150_000 },
  );
  const says = (message: RegExp) =>
    world.eventually(
      async () => {
        const wanted = { status: 'False', reason: 'SourceUnreachable' };
        expect(expectCondition(await world.service(), 'MetricsAvailable', wanted).message).toMatch(message);
      },
      { withinMs: 90_000 },
    );

  const isRead = (type: string) =>
    world.eventually(
      async () => expect((await world.service()).status?.components).toMatchObject([{ metricsSource: type }]),
      { withinMs: 90_000 },
    );
  await prometheus.stop();
  await says(
    /^saw http:\/\/127\.0\.0\.1:\d+\/api\/v1\/query: ECONNREFUSED \(component workflow\); wanted what Prometheus/,
  );
  await isRead('Resource'); // the next of the list, after three looks
  await prometheus.restart();
  await isRead('Prometheus'); // and back after three looks that worked
  await prometheus.stop();
  await isRead('Resource');
  await world.restartOperator();
  await says(
    /^saw 127\.0\.0\.1 is not an address to read metrics from .*next: name the source .* start the operator with --allow-metric-a/,
  );
}, 500_000);

test('the JSON views of Pods are read where a service names them (HTTP), and status says so: load, times and memory are judged by them', async () => {
  await world.restartOperator();
  const http = { port: 'http', monitoringPath: '/api/monitoring/metrics', cachePath: '/api/cache/status' };
  const metrics = [{ type: 'HTTP' as const, http }];
  const objectives = { window: '1m', workflowDuration: { target: '20s' } };
  await world.apply(generationService({ overrides: { ...often, objectives }, components: [{ ...workflow, metrics }] }));
  using ready = followPods(world, 'app=workflow-execution');
  const stop = new AbortController();
  const load = runLoad(
    {
      profile: constant(2, 240),
      targets: ready.urls,
      requests: [{ method: 'POST', path: '/api/workflow?meanMs=300&cv=0.1&cpuMs=1', weight: 1 }],
      allow: clusterRanges,
    },
    stop.signal,
  );
  try {
    await world.eventually(async () => {
      const { status } = await world.service();
      expect(status?.components).toMatchObject([{ metricsSource: 'HTTP' }]);
      expectCondition(await world.service(), 'MetricsAvailable', { status: 'True', reason: 'Fresh' });
      const judged = Object.fromEntries((status?.objectives ?? []).map(({ name, state }) => [name, state]));
      expect(judged).toMatchObject({ WorkflowDuration: 'Met', Memory: 'Met', SuccessRatio: 'Met' });
    }, patience);
  } finally {
    stop.abort();
    await load;
  }
});
