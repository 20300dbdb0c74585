import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stringify } from 'yaml';
import { startPrometheus } from '../../hack/servers/prometheus.ts';
import {
  broken,
  brokenOpenMetrics,
  idOf,
  openMetricsLines,
  ours,
  sample,
  wantedNames,
  type Samples,
} from '../unit/metrics/exposition-pages.ts';
import { eventually } from '../world/eventually.ts';

/** A label without a value is to Prometheus none. */
const told = (name: string, labels: readonly (readonly [string, string])[]): string =>
  idOf(
    name,
    labels.filter(([, value]) => value !== ''),
  );
const bare = (id: string): string => told(...(JSON.parse(id) as [string, [string, string][]]));
/** A line that is not wanted stands for itself. */
function seriesOf(line: string): string {
  const [id] = Object.keys(ours(line).samples);
  return id === undefined ? line : bare(id);
}

const count = 200;
const sampled = <T>(arbitrary: fc.Arbitrary<T>): T[] => fc.sample(arbitrary, { numRuns: count, seed: 20_261_128 });
/** One line for each series, and now and then a damaged one: Prometheus takes a page whole or not at all. */
const written = (lines: readonly string[]): string =>
  [...new Map(lines.map((line) => [seriesOf(line), line])).values(), ''].join('\n');
const formats: readonly { readonly name: string; readonly type: string; readonly pages: readonly string[] }[] = [
  {
    name: 'the text format',
    type: 'text/plain; version=0.0.4',
    pages: sampled(fc.tuple(fc.array(sample, { maxLength: 20 }), fc.option(broken, { freq: 3, nil: '' }))).map(
      ([lines, damaged]) => written([...lines, damaged]),
    ),
  },
  {
    name: 'OpenMetrics',
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    pages: sampled(
      fc.tuple(
        openMetricsLines,
        fc.oneof({ arbitrary: brokenOpenMetrics.map((line) => [line]), weight: 1 }, fc.constant([]), fc.constant([])),
      ),
    ).map(([lines, damaged]) => written([...lines, ...damaged, '# EOF'])),
  },
];

interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}
const words: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity, NaN };

test.each(formats)('reads of a page in $name what a real Prometheus stores of it', async ({ type, pages }) => {
  await using stack = new AsyncDisposableStack();
  const server = createServer((request, response) => {
    response.setHeader('content-type', type);
    response.end(pages[Number(request.url?.slice(1))]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const targets = [`127.0.0.1:${(server.address() as AddressInfo).port}`];
  const job = {
    job_name: 'pages',
    scrape_interval: '1s',
    scrape_timeout: '1s',
    honor_labels: true,
    honor_timestamps: false,
    static_configs: pages.map((_, page) => ({ targets, labels: { __metrics_path__: `/${page}`, page: String(page) } })),
  };
  const prometheus = stack.use(await startPrometheus({ config: stringify({ scrape_configs: [job] }) }));
  const ask = async (query: string) => {
    const url = `${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`;
    return ((await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).json()) as Answer).data.result;
  };
  await eventually(async () => expect(await ask('up')).toHaveLength(count));
  const taken = new Set((await ask('up == 1')).map(({ metric }) => metric['page']));
  const stored = Map.groupBy(await ask('{page!=""}'), ({ metric }) => metric['page']);

  const theirs = (page: string): Samples =>
    Object.fromEntries(
      (stored.get(page) ?? []).flatMap(({ metric, value: [, text] }) => {
        const { __name__: name = '', job: _, instance: __, page: ___, ...labels } = metric;
        const value = words[text] ?? Number(text);
        return wantedNames.includes(name) && !Number.isNaN(value) ? [[told(name, Object.entries(labels)), value]] : [];
      }),
    );
  for (const [page, text] of pages.entries()) {
    if (!taken.has(String(page))) continue;
    const { samples, junk } = ours(text);
    const mine = Object.fromEntries(Object.entries(samples).map(([id, value]) => [bare(id), value]));
    expect({ text, samples: mine, junk }).toEqual({ text, samples: theirs(String(page)), junk: 0 });
  }
  // Both kinds were there.
  expect(taken.size).toBeGreaterThan(count / 2);
  expect(taken.size).toBeLessThan(count);
});
