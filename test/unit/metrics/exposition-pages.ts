import * as fc from 'fast-check';
import { createPage, createPageShape, readPage, type WantedFamily } from '../../../operator/metrics/exposition.ts';

/** Pages for the parser and its oracles, and what the parser makes of them. */
const wanted: readonly WantedFamily[] = [
  { name: 'latency', kind: 'histogram' },
  { name: 'jobs', kind: 'counter' },
  { name: 'depth', kind: 'gauge' },
  { name: 'used_bytes', kind: 'gauge' },
];
export const wantedNames = [
  'latency_bucket',
  'latency_sum',
  'latency_count',
  'jobs',
  'jobs_total',
  'depth',
  'used_bytes',
];

/** Samples by name and labels; what is NaN is unknown. */
export type Samples = Readonly<Record<string, number>>;
export const idOf = (name: string, labels: Iterable<readonly [string, string]>): string =>
  JSON.stringify([name, [...labels].toSorted(([a], [b]) => (a < b ? -1 : 1))]);

export function ours(text: string): { readonly samples: Samples; readonly junk: number } {
  const shape = createPageShape(wanted);
  const page = createPage(shape);
  const { junk, isDamaged } = readPage(text, shape, page);
  const samples = shape.series.flatMap(({ key, labels }, slot) => {
    const value = page.values[slot] ?? NaN;
    const name = /^[^{ \t]*/.exec(key)?.[0] ?? '';
    return Number.isNaN(value) ? [] : [[idOf(name, labels), value] as const];
  });
  return { samples: Object.fromEntries(samples), junk: junk + Number(isDamaged) };
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
export const labelText = fc.string({
  unit: fc.constantFrom('a', 'b', '}', '{', '"', '\\', '\n', ' ', ',', '=', '#', '中', 'n', '\t'),
});
const labelSet = fc.dictionary(fc.constantFrom('a', 'le', 'code', '_x', 'Z9'), labelText, { maxKeys: 4 });
const pairsOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([label, text]) => `${label}="${escaped(text)}"`)
    .join(',');
const value = fc.oneof(
  fc.double().map((number) => (Math.abs(number) === Infinity ? (number > 0 ? '+Inf' : '-Inf') : String(number))),
  fc.nat().map(String),
  fc.tuple(fc.integer(), fc.nat(999_999_999)).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc.tuple(fc.integer(), fc.integer({ min: -300, max: 300 })).map(([whole, exponent]) => `${whole}e${exponent}`),
);
const gap = fc.constantFrom(' ', '  ', '\t', ' \t');
/** Lines that every reader of the format takes. */
export const sample = fc
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
    const pairs = pairsOf(of.labels);
    const braces = pairs === '' ? '' : `${of.beforeBrace}{${pairs}${of.comma}}`;
    return `${of.name}${braces}${of.gap}${of.value}${of.timestamp === '' ? '' : ` ${of.timestamp}`}`;
  });
const comment = fc.constantFrom('', '# a comment', '# HELP jobs What is done\\n here.', '#');
export const page = fc.array(fc.oneof({ arbitrary: sample, weight: 5 }, comment), { maxLength: 20 });

/** Lines that something happened to. */
const damaged = (line: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      line,
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('"', '\\', '{', '}', ' ', '=', ',', '#', '1', 'e', '\0', '-', '.', '\t'),
    )
    .map(([text, at, gone, put]) => `${text.slice(0, at % text.length)}${put}${text.slice((at % text.length) + gone)}`);
export const broken = damaged(sample);

/** Seconds, as OpenMetrics has them. */
const seconds = fc.tuple(fc.nat(2_000_000_000), fc.nat(999)).map(([whole, ms]) => `${whole}.${ms}`);
const exemplar = fc
  .tuple(labelSet, value, fc.option(seconds, { nil: '' }))
  .map(([labels, of, at]) => ` # {${pairsOf(labels)}} ${of}${at === '' ? '' : ` ${at}`}`);

/** A line of OpenMetrics: one blank, no comma at the end, exemplars where they may be. */
const openMetricsLine = (name: string): fc.Arbitrary<string> =>
  fc
    .record({
      labels: labelSet,
      value,
      timestamp: fc.option(seconds, { nil: '' }),
      exemplar: /_bucket$|_total$/.test(name) ? fc.option(exemplar, { nil: '' }) : fc.constant(''),
    })
    .map(
      (of) =>
        `${name}${Object.keys(of.labels).length === 0 ? '' : `{${pairsOf(of.labels)}}`} ${of.value}${of.timestamp === '' ? '' : ` ${of.timestamp}`}${of.exemplar}`,
    );
const openMetricsSample = fc
  .constantFrom('jobs_total', 'latency_bucket', 'latency_sum', 'depth', 'used_bytes')
  .chain(openMetricsLine);
export const brokenOpenMetrics = damaged(openMetricsSample);

/** Lines by family, with all that OpenMetrics has besides samples; the page wants `# EOF` behind them. */
const openMetricsFamilies = [
  { comments: ['# TYPE jobs counter', '# HELP jobs Done \\"so far\\".'], names: ['jobs_total', 'jobs_created'] },
  {
    comments: ['# HELP latency Of all.', '# TYPE latency histogram'],
    names: ['latency_bucket', 'latency_sum', 'latency_count', 'latency_created'],
  },
  { comments: ['# TYPE depth gauge'], names: ['depth'] },
  { comments: ['# TYPE used_bytes gauge', '# UNIT used_bytes bytes'], names: ['used_bytes'] },
  { comments: ['# TYPE build info'], names: ['build_info'] },
  { comments: ['# TYPE state stateset'], names: ['state'] },
];
export const openMetricsLines: fc.Arbitrary<readonly string[]> = fc
  .tuple(
    ...openMetricsFamilies.map(({ comments, names }) =>
      fc
        .array(fc.constantFrom(...names).chain(openMetricsLine), { maxLength: 5 })
        .map((lines) => [...comments, ...lines]),
    ),
  )
  .map((families) => families.flat());
