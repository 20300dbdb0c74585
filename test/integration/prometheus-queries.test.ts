import { expect, test } from '@jest/globals';
import { startPrometheus } from '../../hack/servers/prometheus.ts';
import type { PodView } from '../../operator/metrics/pod-view.ts';
import { createPrometheusServers } from '../../operator/metrics/sources/prometheus-server.ts';
import type { Source } from '../../operator/metrics/sources/source.ts';
import { eventually } from '../world/eventually.ts';
import { guard, listening, look, secretless, sourceAt, viewOf } from './source-world.ts';

/** Two Pods that a Prometheus scrapes each second: both have the contract's histogram, and a counter of their own that comes with the first request. */
async function scraped() {
  await using stack = new AsyncDisposableStack();
  const asked = { a: false, b: false };
  const start = performance.now();
  const podOf = async (pod: 'a' | 'b') => {
    const page = (): string => {
      const count = Math.floor((performance.now() - start) / 100);
      const name = 'http_server_request_duration_seconds';
      const contract = `${name}_bucket{le="+Inf"} ${count}\n${name}_sum ${count}\n${name}_count ${count}\n`;
      return `# TYPE ${name} histogram\n${contract}${asked[pod] ? `jobs_total ${count}\n` : ''}`;
    };
    const serving = stack.use(
      await listening((_, response) => response.setHeader('content-type', 'text/plain; version=0.0.4').end(page())),
    );
    return `{targets: ['127.0.0.1:${serving.port}'], labels: {namespace: ai, pod: ${pod}}}`;
  };
  const targets = [await podOf('a'), await podOf('b')].join(', ');
  const config = `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: pods, static_configs: [${targets}]}]\n`;
  const { url } = stack.use(await startPrometheus({ config }));
  const servers = stack.use(createPrometheusServers({ readSecret: secretless, guard, url: undefined }));
  const owned = stack.move();
  return { asked, url, servers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Once rates are told of it: by its second look, and when what it was asked for has been scraped twice. */
const counted = (source: Source, pod: PodView) =>
  eventually(
    async () => {
      const reading = await look(source, pod);
      expect(reading.elapsedMs).toBeDefined();
      expect(reading.histograms.responseTime?.count).toBeGreaterThan(0);
      return reading;
    },
    { withinMs: 60_000 },
  );

test('an own query that gives nothing for any Pod leaves its signal unknown, and is named; one that tells of another Pod says 0', async () => {
  await using world = await scraped();
  const [a, b] = [viewOf('a'), viewOf('b')];
  const rateOf = (metric: string) => `sum by (pod) (rate(${metric}{namespace="ai"}[1m]))`;
  const queries = { requestRate: rateOf('jobs_total'), errors: rateOf('nonsense_total') };
  const source = sourceAt(world.servers, world.url, { queries });

  const before = await counted(source, a);
  expect(before.figures).not.toHaveProperty('requests');
  expect(before.figures).not.toHaveProperty('errors');
  expect(before.broken).toEqual({
    requests: 'the query of requestRate gives nothing',
    errors: 'the query of errors gives nothing',
  });

  world.asked.b = true;
  await eventually(async () => expect((await look(source, b)).figures.requests).toBeGreaterThan(0), {
    withinMs: 60_000,
  });
  await eventually(async () => expect((await look(source, a)).figures.requests).toBe(0));
  expect((await look(source, a)).broken).toEqual({ errors: 'the query of errors gives nothing' });
});

test('what a Pod had by an own query and has no more is unknown, and no load of 0', async () => {
  await using world = await scraped();
  world.asked.a = true;
  const a = viewOf('a');
  const queries = { requestRate: 'sum by (pod) (rate(jobs_total{namespace="ai"}[5s]))' };
  const source = sourceAt(world.servers, world.url, { queries });
  await eventually(async () => expect((await look(source, a)).figures.requests).toBeGreaterThan(0), {
    withinMs: 60_000,
  });
  world.asked.a = false;
  await eventually(
    async () => {
      const { figures, broken } = await look(source, a);
      expect(figures).not.toHaveProperty('requests');
      expect(broken).toEqual({ requests: 'the query of requestRate gives nothing' });
    },
    { withinMs: 60_000 },
  );
});
