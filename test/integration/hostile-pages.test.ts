import { afterAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import { createCollector } from '../../operator/metrics/collector.ts';
import { createScraper, podsSource } from '../../operator/metrics/sources/pods.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { createMetrics } from '../../operator/telemetry/metrics.ts';
import { eventually } from '../world/eventually.ts';
import { podServing } from '../world/pod-view.ts';

const scraper = createScraper(); // with the bounds that the operator has
const guard = createAddressGuard({ widen: ['127.0.0.0/8'] });
afterAll(() => scraper.close());

const requests = 'http_server_request_duration_seconds_count';
const text = (response: ServerResponse): ServerResponse =>
  response.setHeader('content-type', 'text/plain; version=0.0.4');

/** Writes `chunk(0)`, `chunk(1)`, … as fast as they are taken. */
function stream(response: ServerResponse, chunks: number, chunk: (n: number) => string): void {
  let n = 0;
  const more = (): void => {
    while (response.writable && n < chunks) if (!response.write(chunk(n++))) return;
    if (n >= chunks) response.end();
  };
  text(response).on('drain', more);
  more();
}

/** A thousand series of its own. */
const thousand = (n: number): string =>
  Array.from({ length: 1_000 }, (_, at) => `${requests}{id="${n}-${at}"} 1\n`).join('');
let looks = 0;

const hostile: Readonly<Record<string, { readonly answer: RequestListener; readonly message: RegExp }>> = {
  'hundred-megabytes': {
    answer: (_, response) => stream(response, 100, () => '# nothing here'.padEnd(2 ** 20)),
    message: /answered more than the operator reads$/,
  },
  'no-end': {
    answer: (_, response) => stream(response, Infinity, () => `${requests} 1\n`.repeat(1_000)),
    message: /answered more than the operator reads$/,
  },
  'million-series': {
    answer: (_, response) => stream(response, 1_000, thousand),
    message: /answered more than the operator reads$/,
  },
  'new-series-each-time': {
    answer: (_, response) => stream(response, 30, () => thousand(looks++)),
    message: /has \d+ samples in series beyond those that are kept: 10000 of a Pod, 20000 of its component$/,
  },
  'drop-by-drop': {
    answer: (_, response) => {
      const drop = setInterval(() => response.write('#'), 50);
      text(response).once('close', () => clearInterval(drop));
    },
    message: /did not answer in time$/,
  },
  'web-page': {
    answer: (_, response) => void response.setHeader('content-type', 'text/html').end('<p>'),
    message: /answered text\/html, not a Prometheus exposition$/,
  },
  packed: {
    answer: (_, response) =>
      void text(response)
        .setHeader('content-encoding', 'gzip')
        .end(gzipSync('#'.repeat(1e7))),
    message: /in an encoding that was not asked for$/,
  },
  'cut-off': {
    answer: (_, response) => {
      text(response).setHeader('content-length', 1_000).write(`${requests} 1\n`);
      setTimeout(() => response.destroy(), 20);
    },
    message: /: UND_ERR_SOCKET$/,
  },
};

/** What is read, and tells nothing: no failure, and no load. */
const empty: Readonly<Record<string, RequestListener>> = {
  'no-numbers': (_, response) =>
    void text(response).end(
      `${requests}{a="1"} NaN\n${requests}{a="2"} -1e9\n${requests}{a="3"} +Inf\n${requests}{a="4"} 1_000\n`,
    ),
  bytes: (_, response) =>
    void text(response).end(
      Buffer.alloc(
        1e6,
        Uint8Array.from({ length: 251 }, (__, n) => n * 7919),
      ),
    ),
};

async function pod(name: string, answer: RequestListener) {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const view = podServing(name, (server.address() as AddressInfo).port);
  return {
    view,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('hostile pages cost bounded time and memory, are named, and take nothing from the Pod beside them', async () => {
  await using stack = new AsyncDisposableStack();
  const since = performance.now();
  const sound: RequestListener = (_, response) =>
    void text(response).end(`${requests}{a="sound"} ${(performance.now() - since) / 10}\n`);
  const answers = Object.entries(hostile).map(([name, { answer }]) => [name, answer] as const);
  const pods: Awaited<ReturnType<typeof pod>>[] = [];
  for (const [name, answer] of [...answers, ...Object.entries(empty), ['sound', sound] as const])
    pods.push(stack.use(await pod(name, answer)));
  const collector = stack.use(
    createCollector({ metrics: createMetrics(), logger: createLogger({ level: 'error', format: 'text' }) }),
  );
  const views = pods.map(({ view }) => view);
  const before = process.memoryUsage().rss;
  collector.track('ai/generation', [
    {
      name: 'workflow',
      containerName: undefined,
      source: podsSource({ endpoint: { port: 'metrics', path: '/metrics', scheme: 'HTTP' }, scraper, guard }),
      pods: () => views,
      intervalMs: 1_000,
      timeoutMs: 800,
      history: 60,
      windowMs: 60_000,
    },
  ]);
  let most = 0;
  const failures = () =>
    new Map(collector.failuresOf('ai/generation', 'workflow').map(({ pod: name, failure }) => [name, failure.message]));
  await eventually(() => {
    most = Math.max(most, process.memoryUsage().rss - before);
    for (const { asked, view } of pods) expect([view.name, asked() >= 4]).toEqual([view.name, true]);
  });

  await eventually(() => {
    const named = failures();
    for (const [name, { message }] of Object.entries(hostile)) expect(named.get(name)).toMatch(message);
    expect([...named.keys()].toSorted()).toEqual(Object.keys(hostile).toSorted());
  });
  const rates = new Map(collector.podRates('ai/generation', 'workflow').map((rate) => [rate.pod, rate]));
  expect(rates.get('sound')?.requestsPerSecond).toBeGreaterThan(95);
  expect(rates.get('sound')?.requestsPerSecond).toBeLessThan(105);
  expect(rates.get('no-numbers')?.requestsPerSecond).toBeUndefined();
  expect(rates.get('bytes')?.requestsPerSecond).toBeUndefined();
  const told = collector.brokenOf('ai/generation', 'workflow').map(({ words }) => words);
  expect(told).toContain('http_server_request_duration_seconds has a line that is no sample');
  expect(told).toContain('a line is no sample');
  // The servers that write all this live in the same process: of the reader alone it would be less.
  expect(most).toBeLessThan(300_000_000);
});
