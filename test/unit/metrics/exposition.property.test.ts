import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { createPage, createPageShape, readPage, type WantedFamily } from '../../../operator/metrics/exposition.ts';

const wanted: readonly WantedFamily[] = [
  { name: 'latency', kind: 'histogram' },
  { name: 'jobs', kind: 'counter' },
  { name: 'depth', kind: 'gauge' },
];
const wantedNames = new Set(['latency_bucket', 'latency_sum', 'latency_count', 'jobs', 'jobs_total', 'depth']);

/** The plain way, nothing remembered. Last value of each series, by the text before it and its labels. */
function reference(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const sample = referenceLine(line.replace(/\r$/, '').replace(/^[ \t]+/, ''));
    if (sample !== undefined && wantedNames.has(sample.name)) found.set(sample.id, sample.value);
  }
  return found;
}

function referenceLine(line: string): { name: string; id: string; value: number } | undefined {
  if (line.startsWith('#')) return undefined;
  let rest = line;
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(rest)?.[0];
  if (name === undefined) return undefined;
  rest = rest.slice(name.length);
  const labels: Record<string, string> = {};
  const opened = /^[ \t]*\{/.exec(rest)?.[0];
  if (opened !== undefined) {
    rest = rest.slice(opened.length);
    for (;;) {
      rest = rest.trimStart();
      if (rest.startsWith('}')) break;
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"/.exec(rest);
      if (label === null) return undefined;
      rest = rest.slice(label[0].length);
      let value = '';
      while (!rest.startsWith('"')) {
        if (rest === '') return undefined;
        const escape = { '\\\\': '\\', '\\"': '"', '\\n': '\n' }[rest.slice(0, 2)];
        value += escape ?? rest[0];
        rest = rest.slice(escape === undefined ? 1 : 2);
      }
      labels[label[1] ?? ''] = value;
      rest = rest.slice(1).trimStart();
      if (rest.startsWith(',')) rest = rest.slice(1);
      else if (!rest.startsWith('}')) return undefined;
    }
    rest = rest.slice(1);
  }
  const value = /^[ \t]*(\S+)(?:[ \t]+-?\d+(?:\.\d*)?)?[ \t]*(?:[ \t]# ?\{.*)?$/.exec(rest)?.[1];
  if (value === undefined || (opened === undefined && !/^[ \t]/.test(rest))) return undefined;
  const number = { '+inf': Infinity, inf: Infinity, '-inf': -Infinity, nan: NaN }[value.toLowerCase()] ?? plain(value);
  const id = `${line.slice(0, line.length - rest.length)} ${JSON.stringify(Object.entries(labels).toSorted(byText))}`;
  return number === undefined ? undefined : { name, id, value: number };
}

const plain = (text: string): number | undefined =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;

function readAll(pages: readonly string[]): Map<string, number>[] {
  const shape = createPageShape(wanted);
  const page = createPage(shape);
  return pages.map((text) => {
    readPage(text, shape, page);
    const found = new Map<string, number>();
    const ids = shape.series.map(({ key, labels }) => `${key} ${JSON.stringify([...labels].toSorted(byText))}`);
    for (const [slot, id] of ids.entries()) {
      const value = page.values[slot];
      if (value !== undefined && !Number.isNaN(value)) found.set(id, value);
    }
    return found;
  });
}
const byText = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;
const withoutNaN = (values: Map<string, number>): Map<string, number> =>
  new Map([...values].filter(([, value]) => !Number.isNaN(value)).toSorted(byText));
const sorted = (values: Map<string, number>): Map<string, number> => new Map([...values].toSorted(byText));

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const labels = fc
  .dictionary(
    fc.constantFrom('a', 'le', 'code', '_x'),
    fc.string({ unit: fc.constantFrom('a', '}', '{', '"', '\\', '\n', ' ', ',', '中', 'n') }),
  )
  .map((pairs) =>
    Object.entries(pairs)
      .map(([label, value]) => `${label}="${escaped(value)}"`)
      .join(','),
  );
const value = fc.oneof(
  fc.double().map((number) => (number === Infinity ? '+Inf' : number === -Infinity ? '-Inf' : String(number))),
  fc.nat().map(String),
  fc.tuple(fc.nat(), fc.nat(999_999)).map(([whole, fraction]) => `${whole}.${fraction}`),
);
const end = fc.constantFrom('', ' 1732500000000', '\r', ' # {trace_id="a"} 1');
const sample = fc
  .tuple(
    fc.constantFrom(...wantedNames, 'other', 'jobsx', 'depth_total'),
    fc.option(labels, { nil: undefined }),
    fc.constantFrom(' ', '  ', '\t'),
    value,
    end,
  )
  .map(
    ([name, inside, gap, number, rest]) => `${name}${inside === undefined ? '' : `{${inside}}`}${gap}${number}${rest}`,
  );
const noise = fc.oneof(
  fc.constantFrom(
    '# TYPE jobs counter',
    '# EOF',
    '',
    'jobs',
    'jobs{',
    'jobs{a="b"',
    'depth x',
    '}',
    'latency_bucket{le="1"}2',
  ),
  fc.string({ unit: fc.constantFrom('j', 'o', 'b', 's', '{', '}', '"', '=', ' ', '1', '\\', ',', '#', '.') }),
);
const pageOf = (line: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'));

test('reads what the plain reference reads, from page to page', () => {
  fc.assert(
    fc.property(
      fc.array(pageOf(fc.oneof({ arbitrary: sample, weight: 4 }, noise)), { minLength: 1, maxLength: 4 }),
      (pages) => {
        const expected = pages.map((page) => withoutNaN(reference(page)));
        expect(readAll(pages).map(sorted)).toEqual(expected);
      },
    ),
    { numRuns: 500 },
  );
});

/** As `unit: 'binary'`, and halves of surrogate pairs, without fast-check's second's worth of a table of all characters. */
const anyCharacter = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));

test('throws at nothing, and a page that is read twice gives the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter, maxLength: 200 }), pageOf(noise), (bytes, page) => {
      const [once, twice] = readAll([`${page}\n${bytes}\n${page}`, `${page}\n${bytes}\n${page}`]);
      expect(twice).toEqual(once);
    }),
    { numRuns: 300 },
  );
});
