import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import parsePrometheusTextFormat from 'parse-prometheus-text-format';
import { Counter, Gauge, Histogram, Registry, type OpenMetricsContentType } from 'prom-client';
import { broken, idOf, labelText, ours, page, wantedNames, type Samples } from './exposition-pages.ts';

/** Held against the parser of npm that most use, and against the writer that workloads in Node have. */
const words: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity, NaN };
function oracle(text: string): Samples {
  const samples = parsePrometheusTextFormat(`${text}\n`).flatMap(({ name, metrics }) =>
    metrics.map(
      ({ value, labels = {} }) =>
        [idOf(name, Object.entries(labels)), words[value] ?? (value === '' ? NaN : Number(value))] as const,
    ),
  );
  const wanted = samples.filter(([id]) => wantedNames.includes((JSON.parse(id) as string[])[0] ?? ''));
  const last = Object.fromEntries(wanted); // of a series that stands there twice
  return Object.fromEntries(Object.entries(last).filter(([, value]) => !Number.isNaN(value)));
}

test('reads of a page what parse-prometheus-text-format reads', () => {
  fc.assert(
    fc.property(page, (lines) => {
      const text = lines.join('\n');
      expect(ours(text)).toEqual({ samples: oracle(text), junk: 0 });
    }),
    { numRuns: 500 },
  );
});

/** It takes no blank between labels, which Prometheus does. */
function orNothing(line: string): Samples | undefined {
  try {
    return oracle(line);
  } catch {
    return undefined;
  }
}

test('a line that something happened to is read alike, where it is read', () => {
  let compared = 0;
  fc.assert(
    fc.property(broken, (line) => {
      const { samples } = ours(line);
      const theirs = orNothing(line);
      if (theirs === undefined || Object.keys(samples).length === 0) return;
      expect(samples).toEqual(theirs);
      compared++;
    }),
    { numRuns: 2_000 },
  );
  expect(compared).toBeGreaterThan(200); // else the damage was too great to show anything
});

/** As prom-client has it; `metricName` where a family has several names. */
interface Written {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

const figures = fc.array(fc.record({ route: labelText, seconds: fc.double({ min: 0, max: 20, noNaN: true }) }), {
  maxLength: 12,
});

test('reads what prom-client writes', async () => {
  await fc.assert(
    fc.asyncProperty(figures, fc.double(), async (seen, depth) => {
      const registry = new Registry();
      const registers = [registry];
      const latency = new Histogram({
        name: 'latency',
        help: 'h',
        labelNames: ['route'],
        buckets: [0.1, 1, 10],
        registers,
      });
      const jobs = new Counter({ name: 'jobs_total', help: 'h\nh', labelNames: ['route'], registers });
      new Gauge({ name: 'depth', help: 'h', registers }).set(depth + 0); // it writes -0 as 0
      for (const { route, seconds } of seen) {
        latency.observe({ route }, seconds);
        jobs.inc({ route }, seconds);
      }
      const expected = samplesOf(await registry.getMetricsAsJSON());
      expect(ours(await registry.metrics())).toEqual({ samples: expected, junk: 0 });
    }),
    { numRuns: 100 },
  );
});

test('reads what prom-client writes as OpenMetrics, exemplars and all', async () => {
  let exemplars = 0;
  await fc.assert(
    fc.asyncProperty(figures, fc.double(), async (seen, depth) => {
      const registry = new Registry<OpenMetricsContentType>();
      registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
      const registers = [registry];
      const withExemplars = { help: 'h', labelNames: ['route', 'trace_id'] as const, registers, enableExemplars: true };
      const latency = new Histogram({ ...withExemplars, name: 'latency', buckets: [0.1, 1, 10] });
      const jobs = new Counter({ ...withExemplars, name: 'jobs' });
      new Gauge({ name: 'depth', help: 'h', registers }).set(depth + 0);
      for (const { route, seconds: value } of seen) {
        const exemplarLabels = { trace_id: route };
        latency.observe({ labels: { route }, value, exemplarLabels });
        jobs.inc({ labels: { route }, value, exemplarLabels });
      }
      const expected = samplesOf(await registry.getMetricsAsJSON(), { jobs: 'jobs_total' });
      const text = await registry.metrics();
      exemplars += text.split(' # {').length - 1;
      expect(text).toMatch(/\n# EOF\n$/);
      expect(ours(text)).toEqual({ samples: expected, junk: 0 });
    }),
    { numRuns: 100 },
  );
  expect(exemplars).toBeGreaterThan(100);
});

/** @param names As they are written, where it is not as they are kept. */
function samplesOf(
  families: Awaited<ReturnType<Registry['getMetricsAsJSON']>>,
  names: Readonly<Record<string, string>> = {},
): Samples {
  const written = families.flatMap(({ name, values }) =>
    (values as readonly Written[]).map((one) => ({ name: names[name] ?? name, ...one })),
  );
  const expected = written.flatMap(({ name, metricName = name, value: is, labels }) => {
    const pairs = Object.entries(labels).map(([label, of]) => [label, of === Infinity ? '+Inf' : String(of)] as const);
    return Number.isNaN(is) ? [] : [[idOf(metricName, pairs), is] as const];
  });
  return Object.fromEntries(expected);
}
