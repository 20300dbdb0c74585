import { describe, expect, test } from '@jest/globals';
import { createPage, createPageShape, readPage, type WantedFamily } from '../../../operator/metrics/exposition.ts';

const wanted: readonly WantedFamily[] = [
  { name: 'http_server_request_duration_seconds', kind: 'histogram' },
  { name: 'jobs', kind: 'counter' },
  { name: 'queue_length', kind: 'gauge' },
  { name: 'dotted.name', kind: 'gauge' },
];

/** What a page says, by key; and the summary. */
function read(...pages: readonly string[]) {
  const shape = createPageShape(wanted);
  const page = createPage(shape);
  const summaries = pages.map((text) => readPage(text, shape, page));
  const values = Object.fromEntries(
    shape.series.flatMap(({ key }, slot) => {
      const value = page.values[slot] ?? NaN;
      return Number.isNaN(value) ? [] : [[key, value]];
    }),
  );
  return { values, shape, page, ...(summaries.at(-1) ?? readPage('', shape, page)) };
}
const labelsOf = (text: string): readonly (readonly [string, string])[] => [
  ...(read(text).shape.series[0]?.labels ?? []),
];

describe('readPage()', () => {
  test('reads counters, gauges and the parts of a histogram, and nothing else', () => {
    const { values, samples, junk, shape } = read(
      [
        '# HELP jobs Jobs done.',
        '# TYPE jobs counter',
        'jobs_total{kind="a"} 3',
        'jobs 4',
        'queue_length 7',
        'queue_length_total 1',
        'queue_lengths 1',
        'other{kind="a"} 1',
        'http_server_request_duration_seconds_bucket{le="0.5"} 2',
        'http_server_request_duration_seconds_bucket{le="+Inf"} 3',
        'http_server_request_duration_seconds_sum 1.25',
        'http_server_request_duration_seconds_count 3',
        '',
      ].join('\n'),
    );
    expect(values).toEqual({
      'jobs_total{kind="a"}': 3,
      jobs: 4,
      queue_length: 7,
      'http_server_request_duration_seconds_bucket{le="0.5"}': 2,
      'http_server_request_duration_seconds_bucket{le="+Inf"}': 3,
      http_server_request_duration_seconds_sum: 1.25,
      http_server_request_duration_seconds_count: 3,
    });
    expect(shape.series.map(({ part }) => part)).toEqual([
      'value',
      'value',
      'value',
      'bucket',
      'bucket',
      'sum',
      'count',
    ]);
    expect({ samples, junk }).toEqual({ samples: 7, junk: 0 });
  });

  test.each<{ text: string; value: number }>([
    { text: '0', value: 0 },
    { text: '-0.5', value: -0.5 },
    { text: '+3', value: 3 },
    { text: '1e3', value: 1000 },
    { text: '1.5E-7', value: 1.5e-7 },
    { text: '.5', value: 0.5 },
    { text: '5.', value: 5 },
    { text: '0.1', value: 0.1 },
    { text: '123456789012345', value: 123456789012345 },
    { text: '1234567890123456789', value: Number('1234567890123456789') },
    { text: '0.123456789012345678', value: Number('0.123456789012345678') },
    { text: '+Inf', value: Infinity },
    { text: '-Inf', value: -Infinity },
    { text: 'inf', value: Infinity },
    { text: '7 1732500000000', value: 7 },
    { text: '7 1732500000.123', value: 7 },
    { text: '7 # {trace_id="a } b"} 0.5 1732500000.123', value: 7 },
    { text: '7 1732500000.1 # {trace_id="a"} 0.5', value: 7 },
    { text: '7\r', value: 7 },
    { text: ' \t7  ', value: 7 },
  ])('takes $text for $value', ({ text, value }) => {
    expect(read(`queue_length ${text}`).values).toEqual({ queue_length: value });
    expect(read('queue_length 1\n', `queue_length ${text}\n`).values).toEqual({ queue_length: value });
  });

  test('takes NaN for unknown, and counts it as read', () => {
    expect(read('queue_length NaN\n')).toMatchObject({ values: {}, samples: 1, junk: 0 });
  });

  test.each([
    'queue_length',
    'queue_length ',
    'queue_length abc',
    'queue_length 1 abc',
    'queue_length 1 2 3',
    'queue_length 0x10',
    'queue_length 1_000',
    'queue_length 1.2.3',
    'queue_length -',
    'queue_length .',
    'queue_length 1e',
    'queue_length{a="b" 1',
    'queue_length{a="b"}',
    'queue_length{a="b} 1',
    'queue_length{a} 1',
    'queue_length{a=b} 1',
    'queue_length{1a="b"} 1',
    'queue_length{a="b" c="d"} 1',
    'queue_length{"another"} 1',
    '{a="b"} 1',
  ])('counts %p as junk and reads the line behind it', (line) => {
    const { values, junk, samples } = read(`${line}\njobs 1\n`);
    expect({ values, junk, samples }).toEqual({
      values: { jobs: 1 },
      junk: 1,
      samples: 1,
    });
  });

  test.each([
    { text: 'jobs{a="b"} 1', labels: [['a', 'b']] },
    { text: 'jobs{a="b",} 1', labels: [['a', 'b']] },
    {
      text: 'jobs{ a = "b" , c="d" } 1',
      labels: [
        ['a', 'b'],
        ['c', 'd'],
      ],
    },
    { text: 'jobs {a="b"} 1', labels: [['a', 'b']] },
    { text: 'jobs{a="b"}1', labels: [['a', 'b']] },
    { text: 'jobs{a="b"}1e3 1732500000000', labels: [['a', 'b']] },
    { text: 'jobs{} 1', labels: [] },
    { text: String.raw`jobs{a="\"} 1 \\ \n \t"} 1`, labels: [['a', '"} 1 \\ \n \\t']] },
    { text: 'jobs{a="x{y}, z=\'1\'"} 1', labels: [['a', "x{y}, z='1'"]] },
    { text: 'jobs{a="ünï 中"} 1', labels: [['a', 'ünï 中']] },
    { text: '{"dotted.name","a.b"="c"} 1', labels: [['a.b', 'c']] },
    { text: '  jobs{a="b"} 1', labels: [['a', 'b']] },
  ])('takes the labels of $text apart', ({ text, labels }) => {
    expect(read(text)).toMatchObject({ samples: 1, junk: 0 });
    expect(labelsOf(text)).toEqual(labels);
  });

  test('keeps the slots of series from page to page, whatever their order, and forgets their values', () => {
    const { values, shape } = read('jobs 1\nqueue_length 2\n', 'queue_length 3\n', 'queue_length 5\njobs{a="b"} 4\n');
    expect(values).toEqual({ queue_length: 5, 'jobs{a="b"}': 4 });
    expect(shape.series.map(({ key }) => key)).toEqual(['jobs', 'queue_length', 'jobs{a="b"}']);
  });

  test('does not take a key for its prefix', () => {
    expect(read('jobs 1\n', 'jobs_total 2\n').values).toEqual({ jobs_total: 2 });
    expect(read('jobs 1\n', 'jobs {a="b"} 2\n').values).toEqual({ 'jobs {a="b"}': 2 });
  });

  test('knows a family by its TYPE line alone', () => {
    const { page } = read(
      '# TYPE jobs counter\n# TYPE queue_lengths gauge\n# TYPE http_server_request_duration_seconds histogram\n',
    );
    expect([...page.declared]).toEqual([1, 1, 0, 0]);
    expect([...read('# TYPE jobs_total counter\n').page.declared]).toEqual([0, 1, 0, 0]);
    expect([...read('# HELP jobs counter\n#TYPE jobs counter\n').page.declared]).toEqual([0, 0, 0, 0]);
    expect([...read('# TYPE jobs  unknown \r\n').page.declared]).toEqual([0, 1, 0, 0]);
  });

  test.each(['', ' ', ' coun', ' counters', ' counter x', ' \x01'])(
    'a TYPE line that is cut or damaged (%p) declares nothing: a family without a series would have counted 0',
    (type) => {
      expect([...read(`# TYPE jobs${type}`).page.declared]).toEqual([0, 0, 0, 0]);
    },
  );

  test('a page is forgotten with its declarations', () => {
    expect([...read('# TYPE jobs counter\n', '# EOF\n').page.declared]).toEqual([0, 0, 0, 0]);
  });

  test('is bounded: series beyond maxSeries are dropped, counted, and leave the others alone', () => {
    const shape = createPageShape(wanted, { maxSeries: 2 });
    const page = createPage(shape);
    expect(
      readPage('jobs{a="1"} 1\njobs{a="2"} 2\njobs{a="3"} 3\nqueue_length 4\njobs{a="1"} 5\n', shape, page),
    ).toMatchObject({ samples: 3, junk: 0, dropped: 2 });
    expect([page.values[0], page.values[1]]).toEqual([5, 2]);
  });

  test('one page alone does not take the room of all others', () => {
    const shape = createPageShape(wanted, { maxSeries: 4, maxSeriesOfPage: 2 });
    const [greedy, modest] = [createPage(shape), createPage(shape)];
    const flood = (from: number): string => [0, 1, 2].map((n) => `jobs{a="${from + n}"} 1\n`).join('');
    expect(readPage(flood(0), shape, greedy)).toMatchObject({ samples: 2, dropped: 1 });
    expect(readPage(flood(10), shape, greedy)).toMatchObject({ samples: 0, dropped: 3 });
    expect(readPage('queue_length 4\n', shape, modest)).toMatchObject({ samples: 1, dropped: 0 });
  });

  test('a hundred thousand series cost no more memory than those that are kept', () => {
    const shape = createPageShape(wanted);
    const page = createPage(shape);
    const text = Array.from({ length: 100_000 }, (_, n) => `jobs{a="${n}"} 1\n`).join('');
    expect(readPage(text, shape, page)).toMatchObject({ samples: 10_000, junk: 0, dropped: 90_000 });
    expect([shape.series.length, shape.slots.size]).toEqual([10_000, 10_000]);
    expect(page.values.length + page.order.length).toBeLessThan(30_000);
  });

  test('hostile lines cost time in proportion to their length', () => {
    const long = 2_000_000;
    const lines = [
      `queue_length ${'1'.repeat(long)}x`,
      `queue_length 1${' '.repeat(long)}x`,
      `jobs{a="${'\\\\'.repeat(long)}`,
      `jobs{${'a="b",'.repeat(long / 10)}x} 1`,
    ];
    expect(read(lines.join('\n'))).toMatchObject({ samples: 0, junk: 4 });
  });

  test.each([
    '\x00\x01\x02',
    '<html>',
    '{"error": 1}',
    '- item 1',
    'other',
    'other{a="b"}',
    'Traceback (most recent call last):',
  ])('counts %p, which nobody wants, as junk too', (line) => {
    expect(read(`jobs 1\n${line}\njobs 2\n`)).toMatchObject({ values: { jobs: 2 }, junk: 1 });
  });

  test.each(['', ' ', '\r', ' # a comment', 'other NaN', 'other -Inf', 'other 1 \r', 'other{a="}"} 1e-3 1700000000'])(
    'does not count %p, which nobody wants, as junk',
    (line) => {
      expect(read(`jobs 1\n${line}\njobs 2\n`)).toMatchObject({ values: { jobs: 2 }, junk: 0 });
    },
  );

  describe('a name that something happened to', () => {
    const familiesOf = ({ junkFamilies, isDamaged }: ReturnType<typeof read>) => ({
      isDamaged,
      unknown: [...junkFamilies].map((family) => wanted[family]?.name),
    });
    const sound = 'jobs{a="1"} 1\njobs{a="2"} 2\nqueue_length 1\n';
    const damaged = 'jobs{a="1"} 3\njo\x01bs{a="2"} 4\nqueue_length 1\n';
    test.each([
      'ot\x01her 1',
      'ot\x01her{a="b"} 1',
      'other-name 1',
      'oöther 1',
      'o\u2028ther 1',
      'some words 1',
      ' some other{a="b"} 1',
      'other\v1',
      'other',
    ])('is seen: %j', (line) => {
      expect(familiesOf(read(`jobs 1\n${line}\n`))).toEqual({ isDamaged: true, unknown: [] });
    });
    test.each([
      '',
      ' \r',
      '# a comment',
      'other NaN',
      'other -Inf',
      'other infinity',
      'other\t+.5',
      'a:other_1 1 \r',
      'other {a="b"} 1',
      'other{a="o\u2028ther\u2028x"}1',
      '<html>',
    ])('is not %j', (line) => {
      expect(familiesOf(read(`jobs 1\n${line}\n`))).toEqual({ isDamaged: false, unknown: [] });
    });
    test('may be a sample of the family that lacks one since, as long as it is there', () => {
      const seen = { isDamaged: true, unknown: ['jobs'] };
      expect(familiesOf(read(sound, damaged))).toEqual(seen);
      expect(familiesOf(read(sound, damaged, damaged))).toEqual(seen);
      expect(familiesOf(read(sound, damaged, sound))).toEqual({ isDamaged: false, unknown: [] });
    });
    test('and of one that is declared and has none', () => {
      expect(familiesOf(read('# TYPE jobs counter\njo\x01bs 1\nqueue_length 1\n'))).toEqual({
        isDamaged: true,
        unknown: ['jobs'],
      });
    });
    test('series that go without one are gone', () => {
      expect(familiesOf(read(sound, 'jobs{a="1"} 3\n'))).toEqual({ isDamaged: false, unknown: [] });
    });
    test('costs time in proportion to the length of its line', () => {
      expect(read(`${'a'.repeat(2_000_000)}\n${' '.repeat(2_000_000)}x`).isDamaged).toBe(true);
    });
  });

  test('names the samples that are no amounts, and the families of lines that are none', () => {
    const { odd, junkFamilies, shape } = read(
      'jobs{a="1"} NaN\njobs{a="2"} 0\nqueue_length -1\ndotted.name x\njobs{a="3"} +Inf\n',
    );
    expect(odd.map((slot) => shape.series[slot]?.key)).toEqual(['jobs{a="1"}', 'queue_length', 'jobs{a="3"}']);
    expect([...junkFamilies].map((family) => wanted[family]?.name)).toEqual(['dotted.name']);
  });

  test('reads a page without an end of line, and an empty one', () => {
    expect(read('jobs 1').values).toEqual({ jobs: 1 });
    expect(read('')).toMatchObject({ values: {}, samples: 0, junk: 0 });
  });
});
