import * as fc from 'fast-check';
import { createPage, createPageShape, readPage, type WantedFamily } from '../../../operator/metrics/exposition.ts';

/** Pages for the parser and its oracles, and what the parser makes of them. */
const wanted: readonly WantedFamily[] = [
  { name: 'latency', kind: 'histogram' },
  { name: 'jobs', kind: 'counter' },
  { name: 'depth', kind: 'gauge' },
];
export const wantedNames = ['latency_bucket', 'latency_sum', 'latency_count', 'jobs', 'jobs_total', 'depth'];

/** Samples by name and labels; what is NaN is unknown. */
export type Samples = Readonly<Record<string, number>>;
export const idOf = (name: string, labels: Iterable<readonly [string, string]>): string =>
  JSON.stringify([name, [...labels].toSorted(([a], [b]) => (a < b ? -1 : 1))]);

export function ours(text: string): { readonly samples: Samples; readonly junk: number } {
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

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
export const labelText = fc.string({
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
    const pairs = Object.entries(of.labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    const braces = pairs.length === 0 ? '' : `${of.beforeBrace}{${pairs.join(',')}${of.comma}}`;
    return `${of.name}${braces}${of.gap}${of.value}${of.timestamp === '' ? '' : ` ${of.timestamp}`}`;
  });
const comment = fc.constantFrom('', '# a comment', '# HELP jobs What is done\\n here.', '#');
export const page = fc.array(fc.oneof({ arbitrary: sample, weight: 5 }, comment), { maxLength: 20 });

/** Lines that something happened to. */
export const broken = fc
  .tuple(
    sample,
    fc.nat(),
    fc.nat(3),
    fc.constantFrom('"', '\\', '{', '}', ' ', '=', ',', '#', '1', 'e', '\0', '-', '.', '\t'),
  )
  .map(([line, at, gone, put]) => `${line.slice(0, at % line.length)}${put}${line.slice((at % line.length) + gone)}`);
