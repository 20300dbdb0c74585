import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import { createCollector, type Collector } from '../../operator/metrics/collector.ts';
import { quantile } from '../../operator/metrics/histogram.ts';
import type { PodView } from '../../operator/metrics/pod-view.ts';
import type { HistogramName } from '../../operator/metrics/signals.ts';
import { createScraper, podsSource } from '../../operator/metrics/sources/pods.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { createMetrics } from '../../operator/telemetry/metrics.ts';
import { constant } from '../workload/load/profile.ts';
import { runLoad } from '../workload/load/run.ts';
import { startService, type ServiceProcess } from '../workload/service-process.ts';
import { eventually } from '../world/eventually.ts';
import { podServing } from '../world/pod-view.ts';

const scraper = createScraper();
let service: ServiceProcess;
beforeAll(async () => {
  service = await startService({ WORKFLOW_SLOTS: '500' }); // nobody waits: what is measured is the time of the work
});
afterAll(async () => {
  await scraper.close();
  await service[Symbol.asyncDispose]();
});

const windowMs = 60_000;
const key = 'ai/generation';

function startCollector(pod: PodView): Collector {
  const collector = createCollector({
    metrics: createMetrics(),
    logger: createLogger({ level: 'error', format: 'text' }),
  });
  const guard = createAddressGuard({ widen: ['127.0.0.0/8'] });
  collector.track(key, [
    {
      name: 'workflow',
      containerName: undefined,
      source: podsSource({ endpoint: { port: 'metrics', path: '/metrics', scheme: 'HTTP' }, scraper, guard }),
      pods: () => [pod],
      intervalMs: 1_000,
      timeoutMs: 900,
      history: 600,
      windowMs,
    },
  ]);
  return collector;
}

/** Requests a second, and for how long. */
const [perSecond, seconds] = [40, 20];
const attempts = 4;

/** One load, as the generator has it and as the collector has it. Undefined: this machine was busy, and the generator itself late. */
async function measureBoth(query: string) {
  using collector = startCollector(podServing('a', Number(new URL(service.metricsUrl).port)));
  const figures = () => collector.windowOf(key, 'workflow', windowMs);
  await eventually(() => expect(collector.podRates(key, 'workflow')[0]?.requestsPerSecond).toBe(0));
  const started = Date.now();
  const load = await runLoad(
    {
      targets: () => [service.url],
      requests: [{ method: 'POST', path: `/api/workflow?${query}` }],
      profile: constant(perSecond, seconds),
      arrivals: 'Uniform',
    },
    AbortSignal.timeout(60_000),
  );
  expect(load).toMatchObject({ errors: 0, refused: 0, done: perSecond * seconds });
  const p95OfGenerator = (load.latency?.p95Ms ?? NaN) / 1_000;
  if ((load.startDelay?.p95Ms ?? Infinity) > 20 * p95OfGenerator) return undefined; // 2 % of it, in ms
  await eventually(() => expect(figures()?.histograms.responseTime?.count).toBe(load.done));

  const rows = collector.rowsOf(key, 'workflow', started + 4_000, ['requestRate']);
  const during = [...(rows?.figures.requestRate ?? [])].filter(
    (_, row) => (rows?.times[row] ?? 0) < started + seconds * 1_000,
  );
  const p95 = (name: HistogramName): number => {
    const histogram = figures()?.histograms[name];
    return (histogram === undefined ? undefined : quantile(histogram, 0.95))?.value ?? NaN;
  };
  return {
    rate: during.reduce((sum, rate) => sum + rate, 0) / during.length,
    p95OfGenerator,
    p95OfResponses: p95('responseTime'),
    p95OfWorkflows: p95('workflowDuration'),
  };
}

describe('the load generator and the collector agree within 5 % on rate and p95', () => {
  // Lognormal service times: p95 lies in the slow tail, where the share of a bucket that is taken for it overestimates most.
  test.each([
    { shape: 'the reference workload as it comes (mean 0.5 s, p95 near 0.97 s)', query: 'meanMs=500&cv=0.5&cpuMs=0' },
    { shape: 'quicker answers (mean 0.3 s, p95 near 0.52 s)', query: 'meanMs=300&cv=0.4&cpuMs=0' },
  ])(
    '$shape',
    async ({ query }) => {
      let both = await measureBoth(query);
      for (let attempt = 1; both === undefined && attempt < attempts; attempt++) both = await measureBoth(query);
      if (both === undefined) throw new Error(`${attempts} times the generator was late by more than 2 % of p95`);
      const { rate, p95OfGenerator, p95OfResponses, p95OfWorkflows } = both;
      expect(Math.abs(rate / perSecond - 1)).toBeLessThan(0.05);
      expect(Math.abs(p95OfResponses / p95OfGenerator - 1)).toBeLessThan(0.05);
      expect(Math.abs(p95OfWorkflows / p95OfGenerator - 1)).toBeLessThan(0.05);
    },
    120_000,
  );
});
