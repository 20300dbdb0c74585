import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Gauge, Registry } from 'prom-client';
import { metricNames } from '../../../operator/api/contract.ts';
import { defaultSettings } from '../../../operator/runtime/default-settings.ts';
import * as library from '../../../operator/runtime/runtime.ts';
import { seriesOf } from '../../world/metrics-page.ts';

const settings = library.createSettings({ ...defaultSettings, hash: '0000000000aa', pools: { io: 1 } });

/** Each series of the page, with what it says. */
async function pageOf(registry: Registry): Promise<ReadonlyMap<string, number>> {
  return seriesOf(await registry.metrics());
}

describe('the metrics of the library', () => {
  test('say what each part says of itself when the page is asked for', async () => {
    const registry = new Registry();
    using pools = library.openPools(settings);
    const monitor = library.createQueryMonitor(settings);
    const [memory, warmer, batcher] = [{ collections: 1, freedBytes: 2 }, { warmed: 3 }, { pending: 4 }];
    library.settingsMetrics(registry, settings);
    library.poolMetrics(registry, pools);
    library.memoryMetrics(registry, memory);
    library.cpuPoolMetrics(registry, { threads: 5, queued: 6, remembered: 7 });
    library.batcherMetrics(registry, batcher);
    library.httpPoolMetrics(registry, { limit: 8, running: 9, queued: 10 });
    library.warmerMetrics(registry, warmer);
    library.postgresPoolMetrics(registry, { total: 12, idle: 1, queued: 13 });
    library.queryMetrics(registry, monitor);
    const { promise, resolve } = Promise.withResolvers<void>();
    const tasks = [0, 1, 2].map(() => pools.of('io').run(() => promise));
    for (const ms of [500, 1_500]) monitor.note('SELECT 1', ms);
    [memory.collections, warmer.warmed, batcher.pending] = [2, 30, 40];
    expect(Object.fromEntries(await pageOf(registry))).toEqual({
      generation_runtime_config_hash: 0xaa,
      'generation_pool_limit{pool="io"}': 1,
      'generation_pool_running{pool="io"}': 1,
      'generation_pool_queued{pool="io"}': 2,
      generation_memory_collections_total: 2,
      generation_memory_freed_bytes_total: 2,
      generation_cpu_pool_threads: 5,
      generation_cpu_pool_queued: 6,
      generation_cpu_pool_remembered: 7,
      generation_batch_pending: 40,
      generation_http_pool_limit: 8,
      generation_http_pool_running: 9,
      generation_http_pool_queued: 10,
      generation_cache_warmed_total: 30,
      generation_postgres_pool_connections: 12,
      generation_postgres_pool_running: 11,
      generation_postgres_pool_queued: 13,
      'generation_statement_calls_total{statement="SELECT ?"}': 2,
      'generation_statement_seconds_total{statement="SELECT ?"}': 2,
      'generation_statement_longest_seconds{statement="SELECT ?"}': 1.5,
      generation_statements_forgotten_total: 0,
    });
    resolve();
    await Promise.all(tasks);
    expect((await pageOf(registry)).get('generation_pool_running{pool="io"}')).toBe(0);
    expect(typesOf(await registry.metrics()).get('generation_cache_warmed_total')).toBe('counter');
  });

  test('have no more statements on the page than twenty, those that took most time', async () => {
    const registry = new Registry();
    const monitor = library.createQueryMonitor(settings);
    library.queryMetrics(registry, monitor);
    for (let table = 0; table < 30; table += 1) monitor.note(`SELECT a FROM ${'x'.repeat(table + 1)}`, 100 + table);
    const calls = [...(await pageOf(registry)).keys()].filter((name) => name.startsWith('generation_statement_calls'));
    expect(calls).toHaveLength(20);
    expect(calls).toContain(`generation_statement_calls_total{statement="SELECT a FROM ${'x'.repeat(30)}"}`);
    expect(calls).not.toContain('generation_statement_calls_total{statement="SELECT a FROM x"}');
  });

  test('give every name of the workload contract, and leave those of the process to who has them already', async () => {
    const load = { inFlight: () => 3, queued: () => 4 };
    const registry = new Registry();
    const { requestDuration, workflowDuration } = library.workloadMetrics(registry, load);
    requestDuration.observe({ http_request_method: 'GET', http_route: '/', http_response_status_code: 200 }, 0.2);
    workflowDuration.observe(2);
    library.settingsMetrics(registry, settings);
    library.cacheMetrics(registry);
    const page = await pageOf(registry);
    expect(page.get(metricNames.workflowsInFlight)).toBe(3);
    expect(page.get(metricNames.queueLength)).toBe(4);
    expect(page.get(metricNames.memory)).toBeGreaterThan(1e6);
    expect(page.get(metricNames.cpu)).toBeGreaterThan(0);
    const names = registry.getMetricsAsArray().map(({ name }) => name);
    expect(names.toSorted()).toEqual(Object.values(metricNames).toSorted());

    const besides = new Registry();
    new Gauge({ name: metricNames.memory, help: 'of prom-client', registers: [besides] }).set(5);
    library.workloadMetrics(besides, load);
    const [both, name] = [await pageOf(besides), metricNames.memory];
    expect([both.get(metricNames.queueLength), both.get(name)]).toEqual([4, 5]);
  });

  test.each(['docs/runtime.md', 'docs/workload-contract.md'])('each function has a row in %s', (page) => {
    const text = readFileSync(page, 'utf8');
    const functions = Object.keys(library).filter((name) => name.endsWith('Metrics'));
    expect(functions.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});

const typesOf = (page: string): ReadonlyMap<string, string> =>
  new Map([...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
