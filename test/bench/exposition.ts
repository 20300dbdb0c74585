import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import parsePrometheusTextFormat from 'parse-prometheus-text-format';
import { progressOn } from '../../hack/cluster/progress.ts';
import { createPage, createPageShape, readPage, type WantedFamily } from '../../operator/metrics/exposition.ts';
import { goProgram } from './contestants.ts';
import { median } from './statistics.ts';

/**
 * How fast a page of about 80 kB is read, in MB/s on one core, beside the parser of npm that most use and beside Prometheus' own.
 * 50 versions in turn: one page over and over would sit in V8's caches. The contestants take turns, and only the ratios of one round are compared.
 */
const routes = Array.from({ length: 8 }, (_, route) => `/api/workflows/${route}`);
const bounds = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'];

function histogram(name: string, labels: string, version: number): string[] {
  const count = 100 * version + labels.length;
  return [
    ...bounds.map((le, index) => `${name}_bucket{${labels},le="${le}"} ${count * (index + 1)}`),
    `${name}_sum{${labels}} ${(count * 0.0371).toFixed(9)}`,
    `${name}_count{${labels}} ${count * bounds.length}`,
  ];
}

const help = (n: number): string[] => [`# HELP family_${n} A line of help.`, `# TYPE family_${n} gauge`];

function pageOf(version: number): string {
  const http = routes.flatMap((route) =>
    ['200', '404', '500'].flatMap((code) =>
      histogram(
        'http_server_request_duration_seconds',
        `http_request_method="GET",http_route="${route}",http_response_status_code="${code}",cache="miss"`,
        version,
      ),
    ),
  );
  const workflow = ['a', 'b', 'c', 'd'].flatMap((kind) =>
    histogram('generation_workflow_duration_seconds', `kind="${kind}"`, version),
  );
  const single = [
    'generation_workflows_in_flight',
    'generation_queue_length',
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
  ];
  const foreign = Array.from(
    { length: 120 },
    (_, n) => `nodejs_heap_space_size_${n % 12}_bytes{space="s${n}",instance_of="${'x'.repeat(20)}"} ${version * n}`,
  );
  const families = [http, workflow, single.map((name, n) => `${name} ${version * 1.5 + n}`), foreign];
  return `${families.flatMap((lines, n) => help(n).concat(lines)).join('\n')}\n`;
}

const pages = Array.from({ length: 50 }, (_, version) => pageOf(version + 1));
const bodies = pages.map((page) => Buffer.from(page));
const [most, few] = ['genops, ten families (most of the page)', 'genops, four families (a few series)'] as const;
const ours: Readonly<Record<string, readonly WantedFamily[]>> = {
  [most]: [
    { name: 'http_server_request_duration_seconds', kind: 'histogram' },
    { name: 'generation_workflow_duration_seconds', kind: 'histogram' },
    { name: 'generation_workflows_in_flight', kind: 'gauge' },
    { name: 'generation_queue_length', kind: 'gauge' },
    { name: 'generation_cache_requests', kind: 'counter' },
    { name: 'process_resident_memory_bytes', kind: 'gauge' },
    { name: 'process_cpu_seconds', kind: 'counter' },
    { name: 'process_start_time_seconds', kind: 'gauge' },
    { name: 'http_server_active_requests', kind: 'gauge' },
    { name: 'generation_slots', kind: 'gauge' },
  ],
  [few]: [
    { name: 'generation_workflows_in_flight', kind: 'gauge' },
    { name: 'generation_queue_length', kind: 'gauge' },
    { name: 'process_resident_memory_bytes', kind: 'gauge' },
    { name: 'process_cpu_seconds', kind: 'counter' },
  ],
};

type Contestant = () => number | Promise<number>;

/** MB/s over some 40 MB, from bytes: decoding UTF-8 is part of it. */
function measured(read: (body: Buffer) => unknown, rounds: number): number {
  const start = performance.now();
  let bytes = 0;
  for (let turn = 0; turn < rounds; turn++)
    for (const body of bodies) {
      read(body);
      bytes += body.length;
    }
  return bytes / 1e6 / ((performance.now() - start) / 1e3);
}

/** As in the collector: shape and page live on from scrape to scrape. */
function genops(wanted: readonly WantedFamily[]): Contestant {
  const shape = createPageShape(wanted);
  const page = createPage(shape);
  return () => measured((body) => readPage(body.toString(), shape, page), 20);
}

const npm: Contestant = () => measured((body) => parsePrometheusTextFormat(body.toString()), 5);

const go =
  (binary: string, ...args: readonly string[]): Contestant =>
  async () => {
    const child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    child.stdin.end(pages.join('\0'));
    const said = await text(child.stdout);
    await ended;
    return Number(said);
  };

const textparse = await goProgram('go-textparse', progressOn(process.stderr), AbortSignal.timeout(600_000));
const peer = 'Prometheus textparse, all with labels';
const contestants: ReadonlyMap<string, Contestant> = new Map([
  ...Object.entries(ours).map(([name, wanted]) => [name, genops(wanted)] as const),
  ['npm parse-prometheus-text-format, all', npm],
  [peer, go(textparse, 'labels')],
  ['Prometheus textparse, all, values only', go(textparse)],
]);
const rates = new Map<string, number[]>();
for (let round = 0; round < 8; round++)
  for (const [name, measure] of contestants) {
    const rate = await measure();
    if (round > 0) rates.set(name, [...(rates.get(name) ?? []), rate]); // the first one warms up
  }

const of = (name: string): readonly number[] => rates.get(name) ?? [];
/** Round by round: how many times as fast as `most` a reader is. */
const ratiosOf = (name: string): readonly number[] => of(name).map((rate, round) => rate / (of(most)[round] ?? NaN));
process.stdout.write(
  `page: ${Math.round((bodies[0]?.length ?? 0) / 1e3)} kB, ${pages[0]?.match(/^[^#]/gm)?.length} series; ${of(most).length} rounds\n\n` +
    `| reader | MB/s | ÷ ${most} |\n| --- | --- | --- |\n`,
);
for (const [name, all] of rates) {
  const ratios = ratiosOf(name).toSorted((a, b) => a - b);
  process.stdout.write(
    `| ${name} | ${median(all).toFixed(0)} | ${median(ratios).toFixed(2)} (${ratios[0]?.toFixed(2)}–${ratios.at(-1)?.toFixed(2)}) |\n`,
  );
}
process.send?.({
  megabytesPerS: median(of(most)),
  fewFamiliesMegabytesPerS: median(of(few)),
  textparseMegabytesPerS: median(of(peer)),
  timesTextparse: 1 / median(ratiosOf(peer)),
});
