import { expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { dashboard, expressionsOf } from '../../hack/generate/dashboard.ts';
import { startPrometheus } from '../../hack/servers/prometheus.ts';
import { cacheSeries } from '../../operator/cli/cache-series.ts';
import type { GenerationService } from '../../operator/api/generation-service.ts';
import { objectiveNames } from '../../operator/api/status.ts';
import { serveMetrics } from '../../operator/serve/http.ts';
import { createCacheMetrics } from '../../operator/telemetry/cache-metrics.ts';
import { createDatabaseMetrics } from '../../operator/telemetry/database-metrics.ts';
import { collectProcessMetrics, createMetrics } from '../../operator/telemetry/metrics.ts';
import { createObjectiveGauges } from '../../operator/telemetry/objective-gauges.ts';
import { createServiceGauges } from '../../operator/telemetry/service-gauges.ts';
import { measured } from '../unit/serve/views/view-input.ts';
import { storedService } from '../world/builders.ts';
import { eventually } from '../world/eventually.ts';

const names = { namespace: 'ai', name: 'generation' };
const conditionOf = (type: string, status: 'True' | 'False') => ({
  type,
  status,
  reason: 'x',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 1,
});
/** One that has something to say in every panel. */
const service = {
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'GenerationService',
  metadata: names,
  spec: { policyRef: { name: 'p' }, components: [] },
  status: {
    conditions: [conditionOf('Ready', 'True'), conditionOf('MetricsAvailable', 'False')],
    objectives: [{ name: 'WorkflowDuration', state: 'NotMet' }],
    components: [{ name: 'workflow', replicas: { floor: 3 } }],
    redis: [{ name: 'cache', nodes: 3 }],
  },
} as unknown as GenerationService; // of its status only what the gauges read

/** The operator's registry, with everything in motion: each scrape finds another drift, another change. */
function livingRegistry() {
  const metrics = createMetrics();
  collectProcessMetrics(metrics);
  createServiceGauges(
    metrics.registry,
    () => {
      metrics.drift.inc({ lever: 'redis' });
      metrics.leverChanges.inc({ lever: 'redis', result: 'applied' });
      metrics.optimizerActions.inc({ action: 'CollectGarbage', outcome: 'Improved' });
      for (const histogram of [metrics.reconcileDuration, metrics.queueDuration])
        histogram.observe({ controller: 'scaler' }, 0.1);
      return [service];
    },
    () => 71,
  );
  createObjectiveGauges(metrics.registry, () =>
    objectiveNames.map((objective) => ({
      ...names,
      objective,
      value: 1,
      target: 2,
      ageSeconds: 3,
      attainment: () => 0.5,
      burnRates: () => ({ '1h': 20 }),
    })),
  );
  let looks = 0;
  createDatabaseMetrics(metrics.registry, () => {
    looks++;
    const counts = { transactions: looks, blocksHit: looks, blocksRead: looks, deadlocks: looks, tempBytes: looks };
    return [{ ...names, server: 'main', connections: 1, connectionsLimit: 97, ...counts }];
  });
  const large = { allocatedBytes: 200 * 2 ** 20, residentBytes: 300 * 2 ** 20 }; // fragmentation is told from 100 MB on
  createCacheMetrics(metrics.registry, () =>
    cacheSeries([storedService()], {
      cacheServers: {
        servers: () => measured.cacheServers.map((server) => ({ ...server, figures: { ...server.figures, ...large } })),
        worstHitRatio: () => undefined,
      },
    }),
  );
  metrics.leader.set(1);
  metrics.queueDepth.set({ controller: 'scaler' }, 1);
  metrics.watchStarts.inc({ resource: 'pods', what: 'list' });
  metrics.watchFailures.inc({ resource: 'pods', why: 'error' });
  return metrics.registry;
}

test('every panel has something to show, from a Prometheus that scrapes the operator', async () => {
  await using server = await serveMetrics('127.0.0.1:0', livingRegistry());
  const job = {
    job_name: 'genops',
    scrape_interval: '1s',
    honor_labels: true,
    static_configs: [
      { targets: [`127.0.0.1:${server?.port}`], labels: { namespace: 'genops-system', pod: 'genops-0' } },
    ],
  };
  await using prometheus = await startPrometheus({ config: stringify({ scrape_configs: [job] }) });
  // what Grafana puts in for its variables
  const known = { $__rate_interval: '5m', $namespace: names.namespace, $service: names.name };
  const expressions = expressionsOf(dashboard()).map((expr) =>
    Object.entries(known).reduce((text, [variable, value]) => text.replaceAll(variable, value), expr),
  );
  const ask = async (query: string) => {
    const url = `${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    return (await answer.json()) as {
      readonly error?: string;
      readonly data?: { readonly result: readonly unknown[] };
    };
  };
  await eventually(async () => {
    const silent = [];
    for (const expr of expressions) {
      const { error, data } = await ask(expr);
      if (data?.result.length === 0 || error !== undefined) silent.push([expr, error]);
    }
    expect(silent).toEqual([]);
  });
});
