import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import { createCollector } from '../../operator/metrics/collector.ts';
import type { Source } from '../../operator/metrics/sources/source.ts';
import { createScraper, podsSource } from '../../operator/metrics/sources/pods.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { createMetrics } from '../../operator/telemetry/metrics.ts';
import { podServing } from '../world/pod-view.ts';

/**
 * What scraping costs: 200 local targets in a process of their own, keep-alive, each with a page of 10 kB (100 series, most of them wanted).
 * First as fast as it goes with 50 in flight, then by the collector: 1000 Pods every 10 s and every second.
 */
const targets = 200;
const path = '/metrics';

function pageOf(count: number): string {
  const bounds = [
    '0.005',
    '0.01',
    '0.025',
    '0.05',
    '0.075',
    '0.1',
    '0.25',
    '0.5',
    '0.75',
    '1',
    '2',
    '5',
    '10',
    '30',
    '+Inf',
  ];
  const series = ['GET /a 200', 'POST /b 200', 'POST /b 503', 'GET /a 404'].flatMap((what) => {
    const [method, route, code] = what.split(' ');
    const labels = `http_request_method="${method}",http_route="${route}",http_response_status_code="${code}"`;
    const name = 'http_server_request_duration_seconds';
    return bounds
      .map((le, index) => `${name}_bucket{${labels},le="${le}"} ${count * (index + 1)}`)
      .concat(`${name}_sum{${labels}} ${count * 0.37}`, `${name}_count{${labels}} ${count * bounds.length}`);
  });
  const others = Array.from({ length: 30 }, (_, n) => `nodejs_something_${n}_total{kind="x"} ${count}`);
  return `${[...series, ...others, 'generation_workflows_in_flight 3', `process_cpu_seconds_total ${count / 100}`].join('\n')}\n`;
}

async function serveTargets(): Promise<void> {
  let page = Buffer.from(pageOf(1));
  let count = 1;
  setInterval(() => (page = Buffer.from(pageOf(++count))), 100);
  const ports = await Promise.all(
    Array.from({ length: targets }, async () => {
      const server = createServer({ keepAliveTimeout: 60_000 }, (_, response) => {
        response.setHeader('content-type', 'text/plain; version=0.0.4').end(page);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    }),
  );
  process.send?.(ports);
  process.on('disconnect', () => process.exit(0));
}

interface Cost {
  readonly scrapesPerSecond: number;
  /** Of CPU, of one scrape. */
  readonly cpuMsEach: number;
  readonly corePercent: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

/** What `work` costs, which says how many it scraped. */
async function measured(work: () => Promise<number>): Promise<Cost> {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const scrapes = await work();
  const { user, system } = process.cpuUsage(cpu);
  const elapsedMs = performance.now() - start;
  const cpuMs = (user + system) / 1_000;
  delay.disable();
  return {
    scrapesPerSecond: (scrapes / elapsedMs) * 1_000,
    cpuMsEach: cpuMs / scrapes,
    corePercent: (100 * cpuMs) / elapsedMs,
    loopP99Ms: delay.percentile(99) / 1e6,
    loopMaxMs: delay.max / 1e6,
  };
}

const told = ({ scrapesPerSecond, cpuMsEach, corePercent, loopP99Ms, loopMaxMs }: Cost): string =>
  `${scrapesPerSecond.toFixed(0)} scrapes/s, ${cpuMsEach.toFixed(2)} ms CPU each, ${corePercent.toFixed(1)} % of a core, loop delay p99 ${loopP99Ms.toFixed(1)} ms, max ${loopMaxMs.toFixed(1)} ms`;

async function main(): Promise<void> {
  const child = fork(new URL(import.meta.url), ['targets']);
  const ports = await new Promise<readonly number[]>(
    (resolve) => void child.once('message', (message) => resolve(message as readonly number[])),
  );
  const scraper = createScraper();
  const guard = createAddressGuard({ widen: ['127.0.0.0/8'] });
  const endpoint = { port: 'metrics', path, scheme: 'HTTP' } as const;
  const source = podsSource({ endpoint, scraper, guard });
  const views = ports.map((port, index) => podServing(`pod-${index}`, port));
  const flatOut = (total: number) => async (): Promise<number> => {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < total) {
        const view = views[next++ % views.length];
        const result = view === undefined ? undefined : await source.read(view, AbortSignal.timeout(5_000));
        if (result?.result !== 'read') throw new Error(JSON.stringify(result));
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    return total;
  };
  await flatOut(4_000)();
  const fastest = await measured(flatOut(10_000));
  process.stdout.write(`page ${pageOf(1).length} bytes\nas fast as it goes: ${told(fastest)}\n`);

  /** Of a thousand Pods. */
  const collecting = async (intervalMs: number, seconds: number): Promise<Cost & { readonly failed: number }> => {
    const reads = { read: 0, failed: 0 };
    using collector = createCollector({
      metrics: createMetrics(),
      logger: createLogger({ level: 'error', format: 'text' }),
    });
    for (let service = 0; service < 100; service++) {
      const pods = Array.from({ length: 10 }, (_, n) =>
        podServing(`s${service}-${n}`, ports[(service * 10 + n) % targets] ?? 0),
      );
      const settings = { containerName: undefined, intervalMs, timeoutMs: 900, history: 1_000, windowMs: 300_000 };
      const own = podsSource({ endpoint, scraper, guard });
      const counted: Source = {
        ...own,
        async read(pod, signal) {
          const result = await own.read(pod, signal);
          reads[result.result]++;
          return result;
        },
      };
      collector.track(`ai/s${service}`, [{ name: 'workflow', source: counted, pods: () => pods, ...settings }]);
    }
    await pause(2 * intervalMs); // until each Pod has been met
    const before = reads.read;
    const cost = await measured(() => pause(1_000 * seconds).then(() => reads.read - before));
    process.stdout.write(`1000 Pods every ${intervalMs / 1_000} s: ${told(cost)}, ${reads.failed} failed\n`);
    return { ...cost, failed: reads.failed };
  };
  const seldom = await collecting(10_000, 20);
  const often = await collecting(1_000, 10);
  await scraper.destroy();
  child.disconnect();
  await once(child, 'exit');
  process.send?.({
    flatOutPerS: fastest.scrapesPerSecond,
    cpuMsEach: fastest.cpuMsEach,
    corePercentEach10S: seldom.corePercent,
    perSEach1S: often.scrapesPerSecond,
    loopP99MsEach1S: often.loopP99Ms,
    failed: seldom.failed + often.failed,
  });
}

await (process.argv[2] === 'targets' ? serveTargets() : main());
