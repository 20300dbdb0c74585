import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import parsePrometheusTextFormat from 'parse-prometheus-text-format';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { createPage, createPageShape, readPage, type WantedFamily } from '../../../operator/metrics/exposition.ts';

/** Held against the parser of npm that most use, and against the writer that workloads in Node have. */
const wanted: readonly WantedFamily[] = [
  { name: 'latency', kind: 'histogram' },
  { name: 'jobs', kind: 'counter' },
  { name: 'depth', kind: 'gauge' },
];
const wantedNames = ['latency_bucket', 'latency_sum', 'latency_count', 'jobs', 'jobs_total', 'depth'];

/** Samples by name and labels; what is NaN is unknown. */
type Samples = Readonly<Record<string, number>>;
const idOf = (name: string, labels: Iterable<readonly [string, string]>): string =>
  JSON.stringify([name, [...labels].toSorted(([a], [b]) => (a < b ? -1 : 1))]);

function ours(text: string): { readonly samples: Samples; readonly junk: number } {
  const shape = createPageShape(wanted);
  const page = createPage(shape);
  const { junk } = readPage(text, shape, page);
  const samples = shape.series.flatMap(({ key, labels }, slot) => {
    const value = page.values[slot] ?? NaN;
    const name = /^[^{ \t]*/.exec(key)?.[0] ?? '';
    return Number.isNaN(value) ? [] : [[idOf(name, labels), value] as const];
  });
  return { samples: Object.fromEntries(samples), junk };
}

const words: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity, NaN };
function oracle(text: string): Samples {
  const samples = parsePrometheusTextFormat(`${text}\n`).flatMap(({ name, metrics }) =>
    metrics.map(
      ({ value, labels = {} }) =>
        [idOf(name, Object.entries(labels)), words[value] ?? (value === '' ? NaN : Number(value))] as const,
    ),
  );
  const known = samples.filter(
    ([id, value]) => wantedNames.includes((JSON.parse(id) as string[])[0] ?? '') && !Number.isNaN(value),
  );
  return Object.fromEntries(known);
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const labelText = fc.string({
  unit: fc.constantFrom('a', 'b', '}', '{', '"', '\\', '\n', ' ', ',', '=', '#', '中', 'n', '\t'),
});
const labelSet = fc.dictionary(fc.constantFrom('a', 'le', 'code', '_x', 'Z9'), labelText, { maxKeys: 4 });
const value = fc.oneof(
  fc.double().map((number) => (Math.abs(number) === Infinity ? (number > 0 ? '+Inf' : '-Inf') : String(number))),
  fc.nat().map(String),
  fc.tuple(fc.integer(), fc.nat(999_999_999)).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc.tuple(fc.integer(), fc.integer({ min: -300, max: 300 })).map(([whole, exponent]) => `${whole}e${exponent}`),
);
const gap = fc.constantFrom(' ', '  ', '\t', ' \t');
const sample = fc
  .record({
    name: fc.constantFrom(...wantedNames, 'other', 'jobsx', 'depth_total', 'latency'),
    labels: labelSet,
    gap,
    beforeBrace: fc.constantFrom('', '', ' '),
    comma: fc.constantFrom('', ','),
    value,
    timestamp: fc.option(fc.integer({ min: 0 }).map(String), { nil: '' }),
  })
  .map((of) => {
    const pairs = Object.entries(of.labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    const braces = pairs.length === 0 ? '' : `${of.beforeBrace}{${pairs.join(',')}${of.comma}}`;
    return `${of.name}${braces}${of.gap}${of.value}${of.timestamp === '' ? '' : ` ${of.timestamp}`}`;
  });
const comment = fc.constantFrom('', '# a comment', '# HELP jobs What is done\\n here.', '#');
const page = fc.array(fc.oneof({ arbitrary: sample, weight: 5 }, comment), { maxLength: 20 });

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
  const broken = fc
    .tuple(
      sample,
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('"', '\\', '{', '}', ' ', '=', ',', '#', '1', 'e', '\0', '-', '.', '\t'),
    )
    .map(([line, at, gone, put]) => `${line.slice(0, at % line.length)}${put}${line.slice((at % line.length) + gone)}`);
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

test('reads what prom-client writes', async () => {
  const figures = fc.array(fc.record({ route: labelText, seconds: fc.double({ min: 0, max: 20, noNaN: true }) }), {
    maxLength: 12,
  });
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
      const written = (await registry.getMetricsAsJSON()).flatMap(({ name, values }) =>
        (values as readonly Written[]).map((one) => ({ name, ...one })),
      );
      const expected = written.flatMap(({ name, metricName = name, value: is, labels }) => {
        const pairs = Object.entries(labels).map(
          ([label, of]) => [label, of === Infinity ? '+Inf' : String(of)] as const,
        );
        return Number.isNaN(is) ? [] : [[idOf(metricName, pairs), is] as const];
      });
      expect(ours(await registry.metrics())).toEqual({ samples: Object.fromEntries(expected), junk: 0 });
    }),
    { numRuns: 100 },
  );
});
