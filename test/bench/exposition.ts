import { createPage, createPageShape, readPage, type WantedFamily } from '../../operator/metrics/exposition.ts';

/** How fast a page of about 80 kB is read, in MB/s on one core. 50 versions in turn: one page over and over would sit in V8's caches. */
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
const contestants: Readonly<Record<string, readonly WantedFamily[]>> = {
  'ten families (most of the page)': [
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
  'four families (a few series)': [
    { name: 'generation_workflows_in_flight', kind: 'gauge' },
    { name: 'generation_queue_length', kind: 'gauge' },
    { name: 'process_resident_memory_bytes', kind: 'gauge' },
    { name: 'process_cpu_seconds', kind: 'counter' },
  ],
};

function measure(wanted: readonly WantedFamily[]): { megabytesPerSecond: number; samples: number } {
  const shape = createPageShape(wanted);
  const page = createPage(shape);
  let samples = 0;
  const round = (): number =>
    bodies.reduce((sum, body) => ((samples = readPage(body.toString(), shape, page).samples), sum + body.length), 0);
  for (let warm = 0; warm < 20; warm++) round();
  const rates = Array.from({ length: 7 }, () => {
    const start = performance.now();
    let bytes = 0;
    for (let turn = 0; turn < 20; turn++) bytes += round();
    return bytes / 1e6 / ((performance.now() - start) / 1e3);
  });
  return { megabytesPerSecond: rates.toSorted((a, b) => a - b)[3] ?? NaN, samples };
}

process.stdout.write(
  `page: ${Math.round((bodies[0]?.length ?? 0) / 1e3)} kB, ${pages[0]?.match(/^[^#]/gm)?.length} series\n`,
);
for (const [name, wanted] of Object.entries(contestants)) {
  const { megabytesPerSecond, samples } = measure(wanted);
  process.stdout.write(
    `${name}: ${megabytesPerSecond.toFixed(0)} MB/s, ${samples} samples a page (from bytes, UTF-8 decoding included)\n`,
  );
}
