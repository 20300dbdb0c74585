import { afterAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as later } from 'node:timers/promises';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import { createCollector, type TrackedComponent } from '../../operator/metrics/collector.ts';
import type { PodView } from '../../operator/metrics/pod-view.ts';
import { createScraper, podsSource } from '../../operator/metrics/sources/pods.ts';
import { createResourceUsage, withResource } from '../../operator/metrics/sources/resource.ts';
import type { Source } from '../../operator/metrics/sources/source.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { createMetrics } from '../../operator/telemetry/metrics.ts';
import { listen } from '../workload/service/servers.ts';
import { createService } from '../workload/service/service.ts';
import { readSettings } from '../workload/service/settings.ts';
import { eventually } from '../world/eventually.ts';
import { podServing } from '../world/pod-view.ts';
import { serving, servingOpenMetrics, type Answer } from './collector-pages.ts';

const logger = createLogger({ level: 'error', format: 'text' });
const scraper = createScraper({ maxResponseBytes: 100_000 });
const guard = createAddressGuard({ widen: ['127.0.0.0/8'] });
afterAll(() => scraper.close());

const viewOf = (name: string, port: number): PodView =>
  podServing(name, port, {
    labels: { app: 'x' },
    containers: [{ name: 'app', cpuRequest: 0.5, cpuLimit: 1, memoryRequest: 1e9, memoryLimit: 2e9 }],
  });

/** A real server on a port of its own, standing for one Pod. `answer` can be exchanged: the "container" restarts. */
async function target(name: string, first: Answer, tls?: { readonly cert: string; readonly key: string }) {
  let answer = first;
  const asked: number[] = [];
  const listener: Answer = (request, response) => {
    asked.push(performance.now());
    answer(request, response);
  };
  const server: Server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const view = viewOf(name, (server.address() as AddressInfo).port);
  return {
    view,
    asked,
    restart: (next: Answer) => void (answer = next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const hanging: Answer = () => undefined;

interface Endpoint {
  readonly scheme?: 'HTTP' | 'HTTPS';
  /** What stands in front of the source. */
  readonly through?: (source: Source) => Source;
}

async function world(
  targets: readonly (AsyncDisposable & { readonly view: PodView })[],
  { scheme = 'HTTP', through = (source) => source }: Endpoint = {},
) {
  const metrics = createMetrics();
  const collector = createCollector({ metrics, logger, concurrency: 20, suspects: 4 }); // less than the Pods that hang
  const stack = new AsyncDisposableStack();
  for (const each of targets) stack.use(each);
  stack.use(collector);
  let views = targets.map(({ view }) => view);
  const component: TrackedComponent = {
    name: 'workflow',
    containerName: undefined,
    source: through(podsSource({ endpoint: { port: 'metrics', path: '/metrics', scheme }, scraper, guard })),
    pods: () => views,
    intervalMs: 1_000,
    timeoutMs: 900,
    history: 60,
    windowMs: 60_000,
  };
  return {
    collector,
    component,
    metrics,
    setPods: (next: readonly PodView[]) => void (views = [...next]),
    rates: () => new Map(collector.podRates('ai/generation', 'workflow').map((rate) => [rate.pod, rate])),
    track: () => collector.track('ai/generation', [component]),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Requests a second of the nth Pod. */
const rateOf = (n: number): number => 2 ** (n % 8);

/** Of the looks at these Pods, those that came half an interval late. */
function lateShare(pods: readonly { readonly asked: readonly number[] }[]): number {
  const gaps = pods.flatMap(({ asked }) => asked.slice(1).map((at, index) => at - (asked[index] ?? at)));
  return gaps.filter((gap) => gap > 1_500).length / gaps.length;
}

test('measures 100 Pods of which 30 hang, and none of these delays the others', async () => {
  const targets = await Promise.all(
    Array.from({ length: 100 }, (_, n) => target(`pod-${n}`, n % 10 < 3 ? hanging : serving(rateOf(n)))),
  );
  const undisturbed = await Promise.all(Array.from({ length: 70 }, (_, n) => target(`calm-${n}`, serving(rateOf(n)))));
  await using ai = await world(targets);
  await using calm = await world(undisturbed);
  const sound = targets.filter((_, n) => n % 10 >= 3);
  ai.track();
  calm.track();

  await eventually(() =>
    expect([...ai.rates().values()].filter(({ requestsPerSecond }) => requestsPerSecond !== undefined)).toHaveLength(
      70,
    ),
  );
  const since = performance.now();
  await eventually(() =>
    expect(Math.min(...sound.map(({ asked }) => asked.filter((at) => at > since).length))).toBeGreaterThanOrEqual(5),
  );

  // On a busy machine the moment in which a counter is read moves against its own clock; rates lie a factor of two apart, so that nobody's is taken for another's.
  await eventually(() => {
    const rates = ai.rates();
    const wrong = targets.flatMap(({ view: { name } }, n) => {
      const rate = rates.get(name)?.requestsPerSecond;
      if (n % 10 < 3) return rate === undefined ? [] : [`${name} hangs and has ${rate}`];
      return Math.abs(Math.log2((rate ?? NaN) / rateOf(n))) < 0.3 ? [] : [`${name}: ${rate}, not ${rateOf(n)}`];
    });
    expect(wrong).toEqual([]);
  });
  // Beside as many Pods that none hang among, since a busy machine delays both. With the 30 in their way it would be most of them.
  expect(lateShare(sound) - lateShare(undisturbed)).toBeLessThan(0.3);
  await eventually(() => expect(ai.collector.failuresOf('ai/generation', 'workflow')).toHaveLength(30));
  await eventually(() =>
    expect(ai.collector.windowOf('ai/generation', 'workflow', 60_000)).toMatchObject({
      podsReady: 100,
      podsAnswered: 70,
    }),
  );
});

test('a restarted container neither loses its rate nor makes it negative', async () => {
  const pod = await target('a', serving(1000, performance.now() - 60_000));
  await using ai = await world([pod]);
  ai.track();
  await eventually(() => expect(ai.rates().get('a')?.requestsPerSecond).toBeGreaterThan(900));
  await eventually(() => expect(ai.rates().get('a')?.windowSeconds).toBeGreaterThan(2.5)); // of one second, what a busy machine takes between a page and its time is much

  pod.restart(serving(1000));
  const looks = pod.asked.length;
  const seen: number[] = [];
  await eventually(() => {
    seen.push(ai.rates().get('a')?.requestsPerSecond ?? NaN);
    expect(pod.asked.length).toBeGreaterThan(looks + 3);
  });
  // What was served between the last look and the restart is lost, no more: at most one interval of the four.
  expect(Math.min(...seen)).toBeGreaterThan(400);
  expect(Math.max(...seen)).toBeLessThan(1_100);
});

test.each([
  { format: 'text', answer: serving },
  { format: 'OpenMetrics', answer: servingOpenMetrics },
])(
  'windows carry rates, shares, quantiles and percentages of limits, each with its time ($format)',
  async ({ answer }) => {
    const started = Date.now();
    await using ai = await world([await target('a', answer(100)), await target('b', answer(300))]);
    ai.track();
    await eventually(() =>
      expect(
        ai.collector.windowOf('ai/generation', 'workflow', 60_000)?.histograms.responseTime?.count,
      ).toBeGreaterThan(1_000),
    );
    const figures = ai.collector.windowOf('ai/generation', 'workflow', 60_000);
    expect(figures?.errorRatio?.value).toBe(0);
    expect(figures?.inFlight?.value).toBe(6);
    expect(figures?.memoryBytes?.value).toBe(1e9);
    expect(figures?.memoryPercent?.value).toBeCloseTo(50, 3);
    expect(figures?.cpuPercent?.value).toBeGreaterThan(0);
    expect(figures?.requestRate?.observedAt).toBeGreaterThan(started);
    const { responseTime } = figures?.histograms ?? {};
    expect((responseTime?.counts[0] ?? 0) / (responseTime?.count ?? 1)).toBeCloseTo(0.9, 3);
    expect(figures?.cacheHitRatio).toBeUndefined();
    expect(figures?.queue).toBeUndefined();
  },
);

test('a Pod that serves HTTPS is read whoever signed its certificate, and one that does not is named', async () => {
  const { certificate: cert, key } = issueCertificate({ commonName: 'somebody else' }, createAuthority('unknown'));
  await using ai = await world([await target('a', serving(100), { cert, key }), await target('b', serving(100))], {
    scheme: 'HTTPS',
  });
  ai.track();
  await eventually(() => expect(ai.rates().get('a')?.requestsPerSecond).toBeGreaterThan(90));
  await eventually(() =>
    expect(ai.collector.failuresOf('ai/generation', 'workflow')).toMatchObject([
      { pod: 'b', failure: { reason: 'Unreachable', message: expect.stringMatching(/^https:/) } },
    ]),
  );
});

test('understands the reference workload without configuration, to the request', async () => {
  const settings = readSettings({
    PORT: '0',
    METRICS_PORT: '0',
    WORKFLOW_MEAN_MS: '120',
    WORKFLOW_CV: '0',
    WORKFLOW_CPU_MS: '1',
    WORKFLOW_SLOTS: '8',
  });
  await using application = createService(settings);
  const service = await listen(application, settings);
  await using ai = await world([Object.assign(service, { view: viewOf('a', service.metricsPort) })]);
  const figures = () => ai.collector.windowOf('ai/generation', 'workflow', 60_000);
  ai.track();
  await eventually(() => expect(ai.rates().get('a')?.requestsPerSecond).toBe(0)); // known, before the first request

  for (let round = 0; round < 10; round++) {
    const posts = Array.from({ length: 6 }, () =>
      fetch(`http://127.0.0.1:${service.port}/api/workflow`, { method: 'POST', signal: AbortSignal.timeout(10_000) }),
    );
    for (const answer of await Promise.all(posts)) {
      expect(answer.status).toBe(200);
      await answer.text();
    }
  }

  await eventually(() => expect(figures()?.histograms.workflowDuration?.count).toBe(60));
  expect(figures()?.histograms.responseTime?.count).toBe(60);
  expect(figures()?.errorRatio?.value).toBe(0);
  expect(figures()?.inFlight?.value).toBe(0);
  expect(figures()?.queue?.value).toBe(0);
  expect(figures()?.memoryBytes?.value).toBeGreaterThan(10_000_000);
  expect(figures()?.cpuPercent?.value).toBeGreaterThan(0);
  const { workflowDuration } = figures()?.histograms ?? {};
  const page = await (await fetch(`http://127.0.0.1:${service.metricsPort}/metrics`)).text();
  const [, sum] = /^generation_workflow_duration_seconds_sum(?:\{.*\})? (\S+)$/m.exec(page) ?? [];
  expect(workflowDuration?.sum).toBeCloseTo(Number(sum), 6);
});

test.each<{ name: string; answer: Answer; reason: string }>([
  {
    name: 'a redirect',
    answer: (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    reason: 'Redirected',
  },
  { name: 'an error', answer: (_, response) => void response.writeHead(500).end('no'), reason: 'BadStatus' },
  { name: 'an endless page', answer: (_, response) => endless(response), reason: 'TooLarge' },
  {
    name: 'a web page',
    answer: (_, response) => void response.setHeader('content-type', 'text/html').end('<p>'),
    reason: 'NotText',
  },
  { name: 'a connection cut off', answer: (request) => void request.socket.destroy(), reason: 'Unreachable' },
  { name: 'a page that never ends', answer: (_, response) => void response.write('jobs 1\n'), reason: 'TimedOut' },
])('$name is a failure that is named, and no load', async ({ answer, reason }) => {
  await using ai = await world([await target('a', answer), await target('b', serving(100))]);
  ai.track();
  await eventually(() =>
    expect(ai.collector.failuresOf('ai/generation', 'workflow')).toMatchObject([{ pod: 'a', failure: { reason } }]),
  );
  await eventually(() => expect(ai.rates().get('b')?.requestsPerSecond).toBeGreaterThan(90));
  expect(ai.rates().get('a')?.requestsPerSecond).toBeUndefined();
});

function endless(response: ServerResponse): void {
  const more = (): void => {
    while (response.writable && response.write('jobs 1\n'.repeat(1_000)));
  };
  response.on('drain', more);
  more();
}

test('CPU and memory of a Pod that fails are asked for at each interval, while it is looked at ever more seldom', async () => {
  let lists = 0;
  const list = async () => {
    lists += 1;
    const usage = { cpu: '1', memory: String(lists) };
    return [{ metadata: { name: 'a' }, timestamp: new Date().toISOString(), containers: [{ name: 'app', usage }] }];
  };
  const resource = { usage: createResourceUsage({ list: list as never }), containerName: undefined };
  const pod = await target('a', (_, response) => void response.writeHead(500).end('no'));
  await using ai = await world([pod], {
    through: (source) => withResource(source, { ...resource, intervalMs: 1_000, timeoutMs: 900 }),
  });
  ai.track();
  await eventually(() => {
    const figures = ai.collector.windowOf('ai/generation', 'workflow', 60_000);
    expect(figures?.memoryBytes?.value).toBeGreaterThanOrEqual(pod.asked.length + 3);
    expect(figures).toMatchObject({ cpuPercent: { value: 100 }, podsReady: 1, podsAnswered: 0 });
  });
});

test('a Pod that is starting or terminating is told apart and not read; one that came back goes on', async () => {
  const pods = [
    await target('a', serving(100)),
    await target('b', serving(100)),
    await target('c', serving(100)),
  ] as const;
  await using ai = await world(pods);
  const [a, b, c] = [pods[0].view, pods[1].view, pods[2].view];
  ai.setPods([a, { ...b, ready: false }, { ...c, deleting: true }]);
  ai.track();
  await eventually(() => expect(ai.rates().get('a')?.requestsPerSecond).toBeGreaterThan(90));
  expect([...ai.rates().values()].map(({ pod, state }) => `${pod} ${state}`)).toEqual([
    'a Ready',
    'b Starting',
    'c Terminating',
  ]);
  expect([pods[1].asked, pods[2].asked]).toEqual([[], []]);

  ai.setPods([{ ...a, ready: false, readySince: 60_000 }, b]);
  await eventually(() => expect(ai.rates().get('b')?.requestsPerSecond).toBeGreaterThan(90));
  expect(ai.rates().get('a')).toMatchObject({ state: 'NotReady', requestsPerSecond: undefined });
  expect(ai.rates().has('c')).toBe(false);
});

test('another source begins anew, and what was measured before it is still there to look back at', async () => {
  const pod = await target('a', serving(100));
  await using ai = await world([pod]);
  const key = 'ai/generation';
  const looked = (of: 'rowsOf' | 'historyOf') => ai.collector[of](key, 'workflow', 0, ['requestRate']);
  ai.track();
  await eventually(() => expect(ai.collector.windowOf(key, 'workflow', 60_000)?.requestRate).toBeDefined());
  const first = looked('historyOf')?.times[0];

  ai.collector.track(key, [{ ...ai.component, source: { ...ai.component.source, id: 'another' } }]);
  expect(looked('rowsOf')?.times).toHaveLength(0);
  expect(ai.collector.windowOf(key, 'workflow', 60_000)).toMatchObject({ coveredMs: 0, histograms: {} });
  expect(looked('historyOf')?.times[0]).toBe(first);

  await eventually(() => expect(looked('rowsOf')?.figures.requestRate.at(-1)).toBeGreaterThan(90));
  const times = [...(looked('historyOf')?.times ?? [])];
  expect(times[0]).toBe(first);
  expect(times.slice(-(looked('rowsOf')?.times.length ?? 0))).toEqual([...(looked('rowsOf')?.times ?? [])]);

  ai.collector.track(key, [{ ...ai.component, intervalMs: 2_000 }]); // rows of another length are no history of these
  expect(looked('historyOf')?.times).toHaveLength(0);
});

test('nothing is asked any more of what is no longer tracked', async () => {
  const pod = await target('a', serving(100));
  await using ai = await world([pod]);
  ai.track();
  await eventually(() => expect(ai.rates().get('a')?.requestsPerSecond).toBeGreaterThan(90));
  ai.track(); // again, as each reconcile does: what was measured stays
  expect(ai.rates().get('a')?.requestsPerSecond).toBeGreaterThan(90);
  ai.collector.untrack('ai/generation');
  expect(ai.collector.podRates('ai/generation', 'workflow')).toEqual([]);
  expect(ai.collector.windowOf('ai/generation', 'workflow', 60_000)).toBeUndefined();
  const asked = pod.asked.length;
  await later(1_200); // an interval in which nothing may happen
  expect(pod.asked).toHaveLength(asked);
});

test('a Pod whose answer comes after it is gone is forgotten then', async () => {
  const late = Promise.withResolvers<undefined>();
  const events: string[] = [];
  const pods = [await target('a', serving(100)), await target('b', serving(100))] as const;
  const [a, b] = [pods[0].view, pods[1].view];
  await using ai = await world(pods, {
    through: (source) => ({
      ...source,
      forget: (uid) => void events.push(`forgot ${uid}`),
      async read(view, signal) {
        events.push(`asks ${view.uid}`);
        if (view === a) await late.promise;
        return source.read(view, signal);
      },
    }),
  });
  ai.setPods([a]);
  ai.track();
  await eventually(() => expect(events).toEqual(['asks a']));
  ai.setPods([b]);
  await eventually(() => expect(events).toContain('asks b'));
  expect(events).not.toContain('forgot a');
  late.resolve(undefined);
  await eventually(() => expect(events).toContain('forgot a'));
});
