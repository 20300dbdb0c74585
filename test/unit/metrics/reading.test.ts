import { describe, expect, test } from '@jest/globals';
import { quantile } from '../../../operator/metrics/histogram.ts';
import {
  createPageReader,
  createPodPages,
  makeRoom,
  takeReading,
  type Reading,
} from '../../../operator/metrics/reading.ts';
import type { SignalMapping } from '../../../operator/metrics/signals.ts';

/** Reads pages 10 s apart, of one Pod. */
function look(pages: readonly string[], mappings?: readonly SignalMapping[]): readonly Reading[] {
  const reader = createPageReader(mappings);
  const pod = createPodPages(reader);
  return pages.map((page, turn) =>
    takeReading(page, reader, pod, { wall: 1_000_000 + turn * 10_000, monotonic: turn * 10_000 }),
  );
}
const http = 'http_server_request_duration_seconds';
const requests = (count: number, labels = 'cache="miss",http_response_status_code="200"'): string =>
  `${http}_count{${labels}} ${count}\n`;

const cachedPage = (n: number): string =>
  [
    ...['hit', 'miss'].flatMap((cache, at) => [
      `${http}_bucket{cache="${cache}",le="0.1"} ${n * (at + 1)}`,
      `${http}_bucket{cache="${cache}",le="1.0"} ${n * (at + 1) + n}`,
      `${http}_bucket{cache="${cache}",le="+Inf"} ${n * (at + 1) + 2 * n}`,
      `${http}_sum{cache="${cache}"} ${n * 0.5}`,
      `${http}_count{cache="${cache}"} ${n * (at + 1) + 2 * n}`,
    ]),
    '',
  ].join('\n');
const renamedPage = (n: number): string =>
  `my_seconds_count ${n}\nmy_failures_total{kind="x"} ${n / 2}\nmy_failures_total{kind="y"} ${n}\n${requests(n * 9)}`;
const at = (monotonic: number) => ({ wall: 0, monotonic });

describe('takeReading()', () => {
  test('counts nothing at the first look, and the increase over the time between two', () => {
    const [first, second] = look([requests(100), requests(130)]);
    expect(first).toEqual({ observedAt: 1_000_000, elapsedMs: undefined, figures: {}, histograms: {} });
    expect(second).toMatchObject({ observedAt: 1_010_000, elapsedMs: 10_000, figures: { requests: 30, errors: 0 } });
  });

  test.each<{ name: string; pages: readonly string[]; figures: Reading['figures'] }>([
    {
      name: 'a counter lower than before began anew: all it has is increase',
      pages: [requests(100), requests(7)],
      figures: { requests: 7, errors: 0 },
    },
    {
      name: 'a series born since counts in full',
      pages: [requests(100), requests(100) + requests(4, 'http_response_status_code="503"')],
      figures: { requests: 4, errors: 4 },
    },
    {
      name: 'a series that is gone for a look goes on from its last value',
      pages: [requests(100), '', requests(110)],
      figures: { requests: 10, errors: 0 },
    },
    {
      name: 'a declared family without a series has counted nothing',
      pages: ['', `# TYPE ${http} histogram\n`],
      figures: { requests: 0, errors: 0 },
    },
    {
      name: 'what the page does not name is unknown, not 0',
      pages: ['', 'process_cpu_seconds_total 0\n'],
      figures: { cpuSeconds: 0 },
    },
    {
      name: 'a gauge is known at once; a declared one without a sample is not',
      pages: ['generation_queue_length 3\n# TYPE generation_workflows_in_flight gauge\n'],
      figures: { queue: 3 },
    },
    {
      name: 'gauges of several series are summed',
      pages: ['generation_queue_length{kind="a"} 3\ngeneration_queue_length{kind="b"} 4\n'],
      figures: { queue: 7 },
    },
    { name: 'a gauge that is NaN is unknown', pages: ['generation_queue_length NaN\n'], figures: {} },
    {
      name: 'another start time means a new process, though the counter is higher than before',
      pages: [`process_start_time_seconds 1\n${requests(100)}`, `process_start_time_seconds 2\n${requests(150)}`],
      figures: { requests: 150, errors: 0 },
    },
    {
      name: 'a page that lost its start time is no new process',
      pages: [`process_start_time_seconds 1\n${requests(100)}`, requests(150)],
      figures: { requests: 50, errors: 0 },
    },
    {
      name: 'with a negative one among its counters the sum is unknown, not that of the others',
      pages: [requests(1), `${requests(-5)}${requests(5, 'a="b"')}`],
      figures: { errors: 0 },
    },
    {
      name: 'and so it is with one that is NaN: it is there, and 0 would be no load',
      pages: [requests(1), requests(2), requests(NaN)],
      figures: { errors: 0 },
    },
    {
      name: 'and with one that is infinite, in all that it counts towards',
      pages: ['', `${http}_count{code="503"} +Inf\n`],
      figures: {},
    },
    {
      name: 'a counter that was none for one look has no increase at the next: it would be of more time than that',
      pages: [requests(1_000), requests(-1), requests(1_010)],
      figures: { errors: 0 },
    },
    {
      name: 'and has one again after two',
      pages: [requests(1_000), requests(NaN), requests(1_010), requests(1_013)],
      figures: { requests: 3, errors: 0 },
    },
    {
      name: 'a counter that was none at the first look has no increase at the next',
      pages: [requests(-1), requests(1_000)],
      figures: { errors: 0 },
    },
    {
      name: 'of a series that stands there twice the last value counts, whatever the first was',
      pages: [requests(1_000), requests(NaN) + requests(1_010)],
      figures: { requests: 10, errors: 0 },
    },
    {
      name: 'a family with a line that is no sample is unknown as a whole',
      pages: [requests(1_000), `${requests(1_010)}${http}_count{a="b"} 12x\n`],
      figures: {},
    },
    {
      name: 'and one that lacks a sample beside a damaged name',
      pages: [`${requests(1)}${http}_count{a="b"} 1\n`, `${requests(9)}${http}\x01_count{a="b"} 9\n`],
      figures: {},
    },
    {
      name: 'a gauge that is negative or infinite is unknown, and so is a sum with one',
      pages: [
        'process_resident_memory_bytes -50000000\ngeneration_queue_length{a="1"} 3\ngeneration_queue_length{a="2"} +Inf\n',
      ],
      figures: {},
    },
    {
      name: 'look-ups of the cache by level: hits of both, misses of each',
      pages: [
        'generation_cache_requests_total{level="l1",result="hit"} 0\n',
        'generation_cache_requests_total{level="l1",result="hit"} 5\ngeneration_cache_requests_total{level="l1",result="miss"} 4\n' +
          'generation_cache_requests_total{level="l2",result="hit"} 3\ngeneration_cache_requests_total{level="L2",result="miss"} 1\n',
      ],
      figures: { cacheHitsL1: 5, cacheHitsL2: 3, cacheMissesL1: 4, cacheMissesL2: 1 },
    },
  ])('$name', ({ pages, figures }) => {
    expect(look(pages).at(-1)?.figures).toEqual(figures);
  });

  test.each<{ name: string; page: string; broken: Reading['broken'] }>([
    {
      name: 'a counter that is NaN',
      page: requests(NaN),
      broken: { requests: `${http}_count is NaN`, responseTime: `${http}_count is NaN` },
    },
    {
      name: 'a gauge below 0',
      page: 'process_resident_memory_bytes -50000000\n',
      broken: { memoryBytes: 'process_resident_memory_bytes is negative' },
    },
    {
      name: 'an infinite one under a quoted name',
      page: '{"generation_queue_length"} +Inf\n',
      broken: { queue: 'generation_queue_length is infinite' },
    },
    {
      name: 'a line that begins like a sample and is none',
      page: 'generation_queue_length{a="b" 1\n',
      broken: { page: 'a line is no sample', queue: 'generation_queue_length has a line that is no sample' },
    },
    {
      name: 'a name that something happened to',
      page: `${requests(1)}oth\x01er 1\n`,
      broken: { page: 'a line is no sample' },
    },
    { name: 'a byte that no text has', page: 'other{a="\0"} 1\n', broken: { page: 'a line is no sample' } },
    { name: 'nothing where all are figures', page: `${requests(1)}other -1\n`, broken: undefined },
  ])('says in words what is none: $name', ({ page, broken }) => {
    expect(look([page]).at(-1)?.broken).toEqual(broken);
  });

  test('takes histograms as differences, bucket by bucket, and cached answers apart', () => {
    const { responseTime, cachedResponseTime, workflowDuration } =
      look([cachedPage(10), cachedPage(14)]).at(-1)?.histograms ?? {};
    expect(responseTime).toEqual({ bounds: [0.1, 1, Infinity], counts: Float64Array.of(12, 8, 8), sum: 4, count: 28 });
    expect(cachedResponseTime).toEqual({
      bounds: [0.1, 1, Infinity],
      counts: Float64Array.of(4, 4, 4),
      sum: 2,
      count: 12,
    });
    expect(workflowDuration).toBeUndefined();
  });

  test('reads the workload by its own names', () => {
    const mappings: readonly SignalMapping[] = [
      { name: 'responseTime', metric: 'my_seconds' },
      { name: 'errors', metric: 'my_failures_total', matchLabels: { kind: 'x' } },
    ];
    expect(look([renamedPage(10), renamedPage(20)], mappings).at(-1)?.figures).toEqual({ requests: 10, errors: 5 });
  });

  describe('OpenTelemetry’s gen_ai names', () => {
    const page = (family: string, n: number, labels = ''): string =>
      [
        `${family}_bucket{${labels}le="5"} ${n}`,
        `${family}_bucket{${labels}le="+Inf"} ${2 * n}`,
        `${family}_sum{${labels}} ${n}`,
        `${family}_count{${labels}} ${2 * n}`,
        '',
      ].join('\n');
    const server = 'gen_ai_server_request_duration_seconds';
    const last = (pages: readonly string[], mappings?: readonly SignalMapping[]) => look(pages, mappings).at(-1);
    test('stand for requests, errors, response times and workflows where ours are not there', () => {
      const both = (n: number): string => page(server, n) + page(server, n, 'error_type="timeout",');
      const { figures, histograms } = last([both(0), both(10)]) ?? { figures: {}, histograms: {} };
      expect(figures).toMatchObject({ requests: 40, errors: 20 });
      expect(histograms.responseTime).toMatchObject({ bounds: [5, Infinity], sum: 20, count: 40 });
      expect(histograms.workflowDuration).toEqual(histograms.responseTime);
      expect(histograms.cachedResponseTime).toBeUndefined();
    });
    test('a workflow’s own duration comes before a request’s', () => {
      const all = (n: number): string => page(server, n) + page('gen_ai_workflow_duration_seconds', 2 * n);
      expect(last([all(0), all(10)])?.histograms.workflowDuration?.count).toBe(40);
      expect(last([all(0), all(10)])?.histograms.responseTime?.count).toBe(20);
    });
    test('are known without their unit, as OpenTelemetry’s exporter for Node writes them, and so are ours', () => {
      // @opentelemetry/exporter-prometheus 0.223.0, of a histogram with the unit s; the order of its lines.
      const written = (family: string, labels: string, n: number): string =>
        [
          `# HELP ${family} of a "request"`,
          `# UNIT ${family} s`,
          `# TYPE ${family} histogram`,
          `${family}_count{${labels},otel_scope_name="app"} ${n}`,
          `${family}_sum{${labels},otel_scope_name="app"} ${n / 2}`,
          `${family}_bucket{${labels},otel_scope_name="app",le="1"} ${n}`,
          `${family}_bucket{${labels},otel_scope_name="app",le="+Inf"} ${n}`,
          '',
        ].join('\n');
      const genAi = (n: number) =>
        written('gen_ai_server_request_duration', 'gen_ai_operation_name="chat",error_type="timeout"', n);
      const generating = last([genAi(1), genAi(11)]);
      expect(generating?.figures).toMatchObject({ requests: 10, errors: 10 });
      expect(generating?.histograms.responseTime).toMatchObject({ bounds: [1, Infinity], sum: 5, count: 10 });
      const answers = (n: number) =>
        written('http_server_request_duration', 'http_route="/a",http_response_status_code="503"', n) +
        written('generation_workflow_duration', 'kind="x"', 2 * n);
      const answering = last([answers(1), answers(11)]);
      expect(answering?.figures).toMatchObject({ requests: 10, errors: 10 });
      expect(answering?.histograms.workflowDuration?.count).toBe(20);
      const [declared] = look(['', '# TYPE http_server_request_duration histogram\n']).slice(-1);
      expect(declared?.figures).toEqual({ requests: 0, errors: 0 });
    });
    test('without their unit do not count beside those that have it', () => {
      const both = (n: number) => page(server, n) + page('gen_ai_server_request_duration', 5 * n) + requests(n);
      expect(last([both(0), both(10)])?.figures).toMatchObject({ requests: 10, errors: 0 });
      expect(last([both(0), both(10)])?.histograms.workflowDuration?.count).toBe(20);
    });
    test('yield to the contract’s names and to the workload’s own', () => {
      const ours = (n: number): string => requests(3 * n) + page(server, n);
      expect(last([ours(0), ours(10)])?.figures).toMatchObject({ requests: 30, errors: 0 });
      const own = (n: number): string => page(server, n) + `mine_count ${n}\n`;
      const mapped = last([own(0), own(10)], [{ name: 'responseTime', metric: 'mine' }]);
      expect(mapped?.figures).toMatchObject({ requests: 10, errors: 0 });
      expect(mapped?.histograms.workflowDuration?.count).toBe(20);
    });
  });

  test('two Pods of one component share what is known of their series, not their values', () => {
    const reader = createPageReader();
    const [a, b] = [createPodPages(reader), createPodPages(reader)];
    takeReading(requests(1), reader, a, at(0));
    takeReading(requests(50) + requests(5, 'x="y"'), reader, b, at(0));
    expect(takeReading(requests(3), reader, a, at(10)).figures).toMatchObject({ requests: 2 });
    expect(takeReading(requests(60) + requests(7, 'x="y"'), reader, b, at(10)).figures).toMatchObject({ requests: 12 });
    expect(reader.shape.series).toHaveLength(2);
  });

  /** The observation n of `count` took n seconds; of a second route every bucket is empty. */
  const finePage = (bounds: number, count: number): string =>
    ['/work', '/idle']
      .flatMap((route) => {
        const share = route === '/work' ? count : 0;
        const bucket = (le: string, n: number): string => `${http}_bucket{route="${route}",le="${le}"} ${n}`;
        return [
          ...Array.from({ length: bounds }, (_, n) => bucket(String(n + 1), Math.min(n + 1, share))),
          bucket('+Inf', share),
          `${http}_sum{route="${route}"} ${(share * (share + 1)) / 2}`,
          `${http}_count{route="${route}"} ${share}`,
        ];
      })
      .concat(`process_cpu_seconds_total ${count}`, '')
      .join('\n');

  test('of more bounds than are read none is lost of what was observed, nor of what stands behind them', () => {
    const { histograms, figures } = look([finePage(2_000, 0), finePage(2_000, 2_500)]).at(-1) ?? {};
    const { responseTime } = histograms ?? {};
    if (responseTime === undefined) throw new Error('there is no histogram');
    expect(responseTime.bounds.length).toBe(513);
    expect(responseTime.bounds.slice(-2)).toEqual([2_000, Infinity]);
    expect(responseTime.counts.reduce((sum, count) => sum + count, 0)).toBe(2_500);
    expect(responseTime.counts.at(-1)).toBe(500);
    expect(quantile(responseTime, 0.5)?.value).toBeCloseTo(1_250, 0);
    expect(quantile(responseTime, 0.95)).toEqual({ value: 2_000, atLeast: true });
    expect(figures).toMatchObject({ requests: 2_500, cpuSeconds: 2_500 });
  });

  test('endless buckets are bounded', () => {
    const page = (from: number) =>
      Array.from({ length: 4_500 }, (_, n) => `${http}_bucket{le="${from + n}"} ${n}`).join('\n');
    const { responseTime } = look([page(0), page(0), page(4_500), page(4_500)]).at(-1)?.histograms ?? {};
    expect(responseTime?.bounds.length).toBeLessThanOrEqual(512);
  });

  describe('when a Pod is gone', () => {
    const buckets = (bounds: number, of: string, count: number): string =>
      Array.from({ length: bounds }, (_, n) => `${http}_bucket{version="${of}",le="${n}.${of}"} ${count}`)
        .concat(`${http}_bucket{version="${of}",le="+Inf"} ${count}`, `${http}_count{version="${of}"} ${count}`, '')
        .join('\n');

    test('the bounds of its version make room for those of the next, and no counter begins anew', () => {
      const reader = createPageReader();
      const [old, next] = [createPodPages(reader), createPodPages(reader)];
      takeReading(buckets(512, '1', 10), reader, old, at(0));
      takeReading(buckets(300, '2', 10), reader, next, at(0));
      const before = takeReading(buckets(300, '2', 13), reader, next, at(10)).histograms.responseTime;
      expect(before).toMatchObject({ bounds: [Infinity], count: 3 });
      makeRoom(reader, [next]);
      const after = takeReading(buckets(300, '2', 20), reader, next, at(20)).histograms.responseTime;
      expect(after?.bounds).toHaveLength(301);
      expect(after?.counts.reduce((sum, count) => sum + count, 0)).toBe(7);
      expect(after?.count).toBe(7);
    });

    test('so do its series: a third version is read where two fill all the room', () => {
      const reader = createPageReader();
      const page = (version: string, count: number): string =>
        Array.from({ length: 10_000 }, (_, n) => requests(count, `version="${version}",n="${n}"`)).join('');
      const [first, second, third] = [createPodPages(reader), createPodPages(reader), createPodPages(reader)];
      takeReading(page('1', 1), reader, first, at(0));
      takeReading(page('2', 1), reader, second, at(0));
      takeReading(page('3', 1), reader, third, at(0));
      expect(third.dropped).toBe(10_000);
      makeRoom(reader, [second, third]);
      expect(takeReading(page('3', 5), reader, third, at(10)).figures).toEqual({}); // the first that is read: nobody knows since when
      expect(third.dropped).toBe(0);
      expect(takeReading(page('2', 3), reader, second, at(10)).figures).toMatchObject({ requests: 20_000 });
      expect(takeReading(page('3', 6), reader, third, at(20)).figures).toMatchObject({ requests: 10_000 });
    });

    test('one that stays and has started anew keeps no room for what it never had', () => {
      const reader = createPageReader();
      const page = (version: string): string =>
        Array.from({ length: 10_000 }, (_, n) => requests(1, `version="${version}",n="${n}"`)).join('');
      const started = (seconds: number): string => `process_start_time_seconds ${seconds}\n`;
      const [gone, stays, next] = [createPodPages(reader), createPodPages(reader), createPodPages(reader)];
      takeReading(page('1'), reader, gone, at(0));
      takeReading(started(1) + requests(1, 'version="2"'), reader, stays, at(0));
      takeReading(started(9) + requests(1, 'version="2"'), reader, stays, at(10));
      takeReading(page('3'), reader, next, at(10));
      expect(next.dropped).toBeGreaterThan(0);
      makeRoom(reader, [stays, next]);
      takeReading(page('3'), reader, next, at(20));
      expect(next.dropped).toBe(0);
      expect(reader.shape.series.length).toBeLessThan(10_010);
    });

    test('nothing is forgotten while all has room: a version that comes back is known at once', () => {
      const reader = createPageReader();
      takeReading(buckets(512, '1', 10), reader, createPodPages(reader), at(0));
      makeRoom(reader, []);
      expect(reader.shape.series).toHaveLength(514);
    });
  });
});
