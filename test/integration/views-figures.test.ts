import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { openViewSources } from '../../operator/cli/view-sources.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import { createCollector } from '../../operator/metrics/collector.ts';
import { createStandings } from '../../operator/metrics/standings.ts';
import type { PodView } from '../../operator/metrics/pod-view.ts';
import { createScraper, podsSource } from '../../operator/metrics/sources/pods.ts';
import { openCaches } from '../../operator/reconcilers/caches.ts';
import { deployments, generationServices } from '../../operator/reconcilers/kinds.ts';
import { cacheStatus } from '../../operator/serve/views/cache-status.ts';
import type { ViewInput } from '../../operator/serve/views/figures.ts';
import { fleet } from '../../operator/serve/views/fleet.ts';
import { history } from '../../operator/serve/views/history.ts';
import { load } from '../../operator/serve/views/load.ts';
import { monitoringMetrics } from '../../operator/serve/views/monitoring-metrics.ts';
import { performanceStatus } from '../../operator/serve/views/performance-status.ts';
import { resources } from '../../operator/serve/views/resources.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { createMetrics } from '../../operator/telemetry/metrics.ts';
import { startChromium } from '../../hack/servers/chromium.ts';
import { constant } from '../workload/load/profile.ts';
import { runLoad } from '../workload/load/run.ts';
import { startService } from '../workload/service-process.ts';
import { listen } from '../workload/service/servers.ts';
import { createService } from '../workload/service/service.ts';
import { readSettings } from '../workload/service/settings.ts';
import { deployment, generationService, hpa } from '../world/builders.ts';
import { eventually } from '../world/eventually.ts';
import { readersToken, serveViews } from './console-world.ts';
import { namespaces, soon, startPlane } from './kube-world.ts';
import { podServing } from '../world/pod-view.ts';

const run = promisify(execFile);
const logger = createLogger({ level: 'error', format: 'text' });
const by = { manager: 'test', force: true };

let plane: ControlPlane;
let kube: Kube;
beforeAll(async () => {
  plane = await startPlane();
  kube = connectKube(await loadConfig({ kubeconfig: plane.kubeconfigPath }), { userAgent: 'views-test' });
  await run(join(plane.binDir, 'kubectl'), [
    '--kubeconfig',
    plane.kubeconfigPath,
    'apply',
    '--server-side',
    '-k',
    'crds',
  ]);
  await kube.create(namespaces, { metadata: { name: 'ai' } }, {}, soon());
  const ai = <T extends { readonly metadata: { readonly name: string } }>(object: T) => ({
    ...object,
    metadata: { ...object.metadata, namespace: 'ai' },
  });
  await kube.apply(deployments, ai(deployment('workflow-execution', { replicas: 3 })), by, soon());
  await kube.apply(horizontalPodAutoscalers, ai(hpa('hpa', { minReplicas: 2, maxReplicas: 9 })), by, soon());
  await eventually(() => kube.apply(generationServices, ai(generationService()), by, soon()));
}, 900_000);
afterAll(async () => {
  await kube[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

const podAt = (port: number): PodView =>
  podServing('workflow-execution-1', port, {
    containers: [{ name: 'app', cpuRequest: 0.5, cpuLimit: 1, memoryRequest: 1e9, memoryLimit: 2e9 }],
  });

/** What the operator shows of the service, whose one Pod serves its metrics on that port: real caches, a real collector, once it has read the Pod twice. */
async function measureAt(port: number) {
  await using stack = new AsyncDisposableStack();
  const caches = stack.use(openCaches({ kube, namespaces: ['ai'], watchApiServices: false, logger }));
  const scraper = stack.adopt(createScraper(), (client) => client.close());
  const collector = stack.use(createCollector({ metrics: createMetrics(), logger }));
  const [standings, running] = [createStandings(), () => undefined];
  const sources = stack.use(openViewSources({ caches, collector, standings, running, clock: Date }));
  await Promise.all(caches.all.map((cache) => cache.synced(soon())));
  const guard = createAddressGuard({ widen: ['127.0.0.0/8'] });
  collector.track('ai/generation', [
    {
      name: 'workflow',
      containerName: undefined,
      source: podsSource({ endpoint: { port: 'metrics', path: '/metrics', scheme: 'HTTP' }, scraper, guard }),
      pods: () => [podAt(port)],
      intervalMs: 1_000,
      timeoutMs: 900,
      history: 1_000,
      windowMs: 300_000,
    },
  ]);
  await eventually(() => expect(collector.podRates('ai/generation', 'workflow')[0]?.requestsPerSecond).toBe(0));
  const owned = stack.move();
  return { sources, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const shape = { WORKFLOW_MEAN_MS: '120', WORKFLOW_CV: '0', WORKFLOW_CPU_MS: '1', WORKFLOW_SLOTS: '8' };

test('the views of a service have the figures of the requests that were made of its workload', async () => {
  const settings = readSettings({ ...shape, HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0' });
  await using application = createService(settings);
  await using workload = await listen(application, settings);
  await using measured = await measureAt(workload.metricsPort);
  const { sources } = measured;

  for (let round = 0; round < 10; round++) {
    const posts = Array.from({ length: 6 }, () =>
      fetch(`http://127.0.0.1:${workload.port}/api/workflow`, { method: 'POST', signal: AbortSignal.timeout(10_000) }),
    );
    for (const answer of await Promise.all(posts)) await answer.text();
  }

  const service = () => {
    const found = sources.serviceOf('ai', 'generation');
    if (found === undefined) throw new Error('the cache has no service yet');
    return found;
  };
  const input = (): ViewInput => {
    const made = sources.inputOf(service());
    if (made === undefined) throw new Error('no valid policy');
    return made;
  };
  await eventually(() => expect(input().components[0]?.figures?.histograms.workflowDuration?.count).toBe(60));

  const total = await eventually(() => {
    const seen = load(input()).total;
    expect(seen).toMatchObject({ errorRate: 0, inFlight: 0, queue: 0, atLeast: [] });
    return seen;
  });
  expect(total.p50).toBeGreaterThan(0.1);
  expect(total.p95).toBeLessThan(1);
  const rows = sources.rowsOf(service(), 0);
  const seen = history({
    service: service(),
    components: rows,
    changes: sources.changesOf(service(), 0),
    now: Date.now(),
  });
  const busiest = Math.max(...seen.series.requestRate.map((rate) => rate ?? 0));
  expect(busiest).toBeGreaterThan(5); // 60 requests of 0.12 s, six at a time: 50 a second at most
  expect(busiest).toBeLessThan(61);
  expect(seen.series.replicas.at(-1)).toBe(1);
  expect([seen.series.floor.at(-1), seen.series.max.at(-1)]).toEqual([2, 9]);
  expect(monitoringMetrics(input()).metrics).toMatchObject({ success_rate: 1, error_rate: 0, cache_hit_ratio: null });
  const [pod] = resources(input()).components[0]?.pods ?? [];
  expect(pod).toMatchObject({ name: 'workflow-execution-1', ready: true });
  expect(pod?.memoryMb).toBeGreaterThan(10);
  const isRollingOut = () => resources(input()).components[0]?.rollingOut;
  expect(isRollingOut()).toBe(false);
  const counts = { replicas: 4, updatedReplicas: 1 }; // no controller is here to say so
  const rolled = { metadata: { namespace: 'ai', name: 'workflow-execution' }, status: counts };
  await kube.apply(deployments, rolled, { ...by, subresource: 'status' }, soon());
  await eventually(() => expect(isRollingOut()).toBe(true));
  expect(cacheStatus(input()).statistics.hit_ratio).toBeNull();
  const trend = { windowMs: 300_000, rows: rows.map((one) => one.rows) };
  const status = performanceStatus({ ...input(), trend });
  expect(status.trend.count).toBeGreaterThan(2);
  expect(status.objectives).toContainEqual(
    expect.objectContaining({ name: 'SuccessRatio', state: 'Met', measured: '1' }),
  );
  expect(status.rating.parts).toMatchObject({ cacheHitRatio: null });
  expect(
    fleet(sources.servicesIn('ai'), { replicasOf: (one) => sources.replicasOf(one), now: Date.now() }).services,
  ).toMatchObject([{ name: 'generation', replicas: 3 }]);
});

test('the console shows in a browser what the collector has measured of a real load', async () => {
  await using workload = await startService(shape);
  await using measured = await measureAt(Number(new URL(workload.metricsUrl).port));
  await using served = await serveViews(measured.sources);
  await using browser = await startChromium({ width: 1100, height: 900 });
  const { tab } = browser;
  const stop = new AbortController();
  const loading = runLoad(
    {
      targets: () => [workload.url],
      requests: [{ method: 'POST', path: '/api/workflow' }],
      profile: constant(20, 240),
      arrivals: 'Uniform',
    },
    stop.signal,
  );
  await using _ = { [Symbol.asyncDispose]: () => (stop.abort(), loading.then(() => undefined)) };
  await tab.goTo(`${served.url}#/ai/generation`);
  await eventually(async () => expect(await tab.evaluate('document.activeElement.id')).toBe('token'));
  await tab.type(readersToken);
  await tab.press('Enter');

  const figures = await eventually(
    async () => {
      const labels = await tab.evaluate<string[]>(
        '[...document.querySelectorAll(".plot")].map((plot) => plot.getAttribute("aria-label"))',
      );
      const [, requests, replicas, p95, unit] =
        /^Load: requests ([\d.]+) \/s, at least –\n(Replicas: .*)\nResponse time, p95: p95 ([\d.]+) (ms|s)\n/.exec(
          labels.join('\n'),
        ) ?? [];
      expect([labels, Number(requests) > 15 && Number(requests) < 25]).toEqual([labels, true]);
      return { replicas, p95Ms: Number(p95) * (unit === 's' ? 1_000 : 1) };
    },
    { withinMs: 60_000 },
  );
  stop.abort();
  const { latency } = await loading;

  expect(figures.replicas).toBe('Replicas: ready 1, floor 2, max 9'); // of the one Pod and of the HPA that stands there
  expect(figures.p95Ms).toBeGreaterThan(100); // each takes 120 ms, which lies between two buckets
  expect(figures.p95Ms).toBeLessThan(Math.max(200, latency?.maxMs ?? 0));
  expect(tab.complaints.filter((said) => !/status of 40[13]/.test(said))).toEqual([]);
}, 180_000);
