import { afterAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constant } from '../workload/load/profile.ts';
import type { Second } from '../workload/load/recorder.ts';
import { runLoad, type LoadOptions } from '../workload/load/run.ts';

const servers = new AsyncDisposableStack();
afterAll(() => servers.disposeAsync());

const requests = [{ method: 'GET', path: '/' }] as const;
const patience = (): AbortSignal => AbortSignal.timeout(60_000);

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function loadOf(url: string, options: Partial<LoadOptions>): LoadOptions {
  return { targets: () => [url], requests, profile: constant(100, 1), arrivals: 'Uniform', ...options };
}

/** Answers at once, but for one stall of a second from 1.15 s after the first request: whoever comes in it waits for its end. */
function stalling(): RequestListener {
  let first: number | undefined;
  return (_, response) => {
    first ??= performance.now();
    const since = performance.now() - first;
    const waitMs = since >= 1150 && since < 2150 ? 2150 - since : 0;
    if (waitMs > 0) setTimeout(() => response.end('late'), waitMs);
    else response.end('ok');
  };
}

describe('runLoad()', () => {
  test('shows a stall of a second as all who came in it felt it (coordinated omission)', async () => {
    const url = await serve(stalling());
    const summary = await runLoad(loadOf(url, { profile: constant(100, 4) }), patience());
    // 400 requests, of which 100 came in the stall and waited from 1000 ms down to 0: the slowest 1 % (4) waited 960 ms or more, the slowest 10 % (40) 600 ms or more.
    // A loop that waits for its answers would have one slow request and a p99 of a few ms.
    expect(summary).toMatchObject({ sent: 400, done: 400, errors: 0, refused: 0, complete: true });
    expect(summary.latency?.p50Ms).toBeLessThan(100);
    expect(Math.abs((summary.latency?.p90Ms ?? 0) - 600)).toBeLessThan(120);
    expect(Math.abs((summary.latency?.p99Ms ?? 0) - 960)).toBeLessThan(120);
    const stalled = summary.seconds.find(({ oldestMs }) => oldestMs > 400); // and it could be seen while it lasted
    expect(stalled).toBeDefined();
    expect(Math.abs((stalled?.inFlight ?? 0) - (stalled?.oldestMs ?? 0) / 10)).toBeLessThan(10);
  });

  test('sends two thousand requests a second', async () => {
    const url = await serve((_, response) => response.end('ok'));
    const summary = await runLoad(loadOf(url, { profile: constant(2000, 2), arrivals: 'Poisson' }), patience());
    expect(summary).toMatchObject({ errors: 0, refused: 0, done: summary.sent });
    expect(Math.abs(summary.sent - 4000)).toBeLessThan(320); // five standard deviations
  });

  test('gives a target that came later its share, and one that went nothing more', async () => {
    const seen = { a: 0, b: 0 };
    const a = await serve((_, response) => response.end(String((seen.a += 1))));
    const b = await serve((_, response) => response.end(String((seen.b += 1))));
    const targets = [[a], [a, b], [b]];
    let now: readonly string[] = [a];
    const onSecond = ({ second }: Second): void => void (now = targets[second] ?? [b]);
    const summary = await runLoad(
      { targets: () => now, requests, profile: constant(100, 5), arrivals: 'Uniform', onSecond },
      patience(),
    );
    // a change is seen at the end of the second after it was made: a alone for 2 s, both for 1 s, b alone for 2 s
    expect(summary.errors).toBe(0);
    expect(Math.abs(seen.a - 250)).toBeLessThan(30);
    expect(Math.abs(seen.b - 250)).toBeLessThan(30);
  });

  test('refuses, and counts, what is due beyond the bound in flight; an abort cuts off the rest and gives the account', async () => {
    const url = await serve(() => undefined); // never answers
    const stop = new AbortController();
    const onSecond = ({ second }: Second): void => {
      if (second === 1) stop.abort();
    };
    const options = loadOf(url, { profile: constant(100, 60), maxInFlight: 10, onSecond });
    const summary = await runLoad(options, stop.signal);
    expect(summary).toMatchObject({ complete: false, sent: 10, done: 0, failures: { CutOff: 10 } });
    expect(summary.refused).toBeGreaterThan(70);
  });

  test('counts time-outs and 5xx as errors', async () => {
    const hanging = await serve(() => undefined);
    const failing = await serve((_, response) => {
      response.statusCode = 503;
      response.end();
    });
    const options = loadOf(hanging, { profile: constant(10, 1), timeoutMs: 500, targets: () => [hanging, failing] });
    const summary = await runLoad(options, patience());
    expect(summary).toMatchObject({ sent: 10, done: 0, errors: 10, failures: { TimedOut: 5 }, statuses: { 503: 5 } });
  });

  test('stops at once when a target turns up that is not ours', async () => {
    let count = 0;
    const url = await serve((_, response) => response.end(String((count += 1))));
    let targets: readonly string[] = [url];
    const onSecond = (): void => void (targets = ['http://203.0.113.7']);
    await expect(
      runLoad(loadOf(url, { profile: constant(20, 60), targets: () => targets, onSecond }), patience()),
    ).rejects.toThrow('http://203.0.113.7 is not ours to load');
    expect(count).toBeLessThan(60); // of 1200
  });

  test('refuses a load beyond its bounds', async () => {
    const options = loadOf('http://127.0.0.1:1', { profile: constant(1_000_000, 10) });
    await expect(runLoad(options, patience())).rejects.toThrow('wanted at most 2000000 in 3600 s');
  });
});
