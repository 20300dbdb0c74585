import { describe, expect, test } from '@jest/globals';
import { figuresOver } from '../../../operator/metrics/component-figures.ts';
import {
  acceptFailure,
  acceptReading,
  acceptUsage,
  closeRow,
  createComponentWindow,
  loadFigures,
  podRatesOf,
  type ComponentWindow,
} from '../../../operator/metrics/component-window.ts';
import type { PodView } from '../../../operator/metrics/pod-view.ts';
import type { Reading } from '../../../operator/metrics/reading.ts';
import { podView } from '../../world/pod-view.ts';

const options = { containerName: 'app', intervalMs: 10_000, timeoutMs: 2_000, history: 100, windowMs: 300_000 };
const view = (name: string, changes: Partial<PodView> = {}): PodView =>
  podView(name, {
    containers: [
      { name: 'sidecar', cpuRequest: 9, cpuLimit: 9, memoryRequest: 9, memoryLimit: 9 },
      { name: 'app', cpuRequest: 0.5, cpuLimit: 2, memoryRequest: 1000, memoryLimit: undefined },
    ],
    ...changes,
  });
const reading = (observedAt: number, figures: Reading['figures'], elapsedMs: number | undefined = 10_000): Reading => ({
  observedAt,
  elapsedMs,
  figures,
  histograms: {},
});
/** Rows at 10 s, 20 s, …; each element gives what the Pods a, b, … said in that interval. */
function filled(rows: readonly (readonly (Reading['figures'] | undefined)[])[]): ComponentWindow {
  const window = createComponentWindow(options);
  for (const [index, pods] of rows.entries()) {
    const at = (index + 1) * 10_000;
    const names = ['a', 'b', 'c'].slice(0, pods.length);
    for (const [pod, figures] of pods.entries()) {
      const uid = names[pod] ?? '';
      if (figures === undefined) acceptFailure(window, uid, { reason: 'TimedOut', message: 'silent' });
      else acceptReading(window, uid, reading(at - 1_000, figures));
    }
    closeRow(
      window,
      names.map((name) => view(name)),
      at,
    );
  }
  return window;
}

const over = (window: ComponentWindow, windowMs: number, now: number) => figuresOver(window, [], windowMs, now);

describe('figuresOver()', () => {
  test('knows no share of what a Pod has not got yet: what its spec says is not in force', () => {
    const window = createComponentWindow(options);
    const resize = { state: 'Deferred', message: '' } as const;
    acceptReading(window, 'a', reading(9_000, { cpuSeconds: 1, memoryBytes: 100 }));
    closeRow(window, [view('a', { resize })], 10_000);
    const figures = over(window, 300_000, 10_000);
    expect([figures.cpuPercent, figures.memoryPercent]).toEqual([undefined, undefined]);
    expect(figures.memoryBytes?.value).toBe(100);
  });

  test('covers the whole window, however few rows are asked to be kept: 100 rows of 1 s of a window of 5 min are 300', () => {
    const window = createComponentWindow({ ...options, intervalMs: 1_000, timeoutMs: 500 });
    for (let at = 1_000; at <= 400_000; at += 1_000) {
      acceptReading(window, 'a', reading(at, { requests: at <= 150_000 ? 4 : 2 }, 1_000));
      closeRow(window, [view('a')], at);
    }
    const { coveredMs, requestRate } = over(window, 300_000, 400_000);
    expect([coveredMs, requestRate?.value]).toEqual([300_000, (50 * 4 + 250 * 2) / 300]);
  });

  test('adds Pods up and takes the mean of rows: (10 + 20) and (30 + 20) requests/s are 40, 20 a Pod', () => {
    const figures = over(
      filled([
        [{ requests: 100 }, { requests: 200 }],
        [{ requests: 300 }, { requests: 200 }],
      ]),
      300_000,
      21_000,
    );
    expect(figures).toMatchObject({
      requestRate: { value: 40, observedAt: 20_000 },
      requestRatePerPod: { value: 20 },
      podsReady: 2,
      podsAnswered: 2,
      coveredMs: 20_000,
    });
    expect(figures.errorRatio).toBeUndefined();
    expect(figures.memoryBytes).toBeUndefined();
  });
  test('looks no further back than the window', () => {
    expect(over(filled([[{ requests: 100 }], [{ requests: 300 }]]), 11_000, 21_000).requestRate?.value).toBe(30);
  });
  test('shares are of what was counted, not means of shares: 1 of 10 and 0 of 90 are 0.01', () => {
    const figures = over(filled([[{ requests: 10, errors: 1 }], [{ requests: 90, errors: 0 }]]), 300_000, 21_000);
    expect(figures.errorRatio?.value).toBeCloseTo(0.01, 6);
  });
  test('a share of nothing is unknown', () => {
    expect(over(filled([[{ requests: 0, errors: 0 }]]), 300_000, 11_000)).not.toHaveProperty('errorRatio');
  });
  test.each([
    { name: 'L1 alone', figures: { cacheHitsL1: 6, cacheHitsL2: 0, cacheMissesL1: 4, cacheMissesL2: 0 }, hits: 0.6 },
    { name: 'L2 alone', figures: { cacheHitsL1: 0, cacheHitsL2: 7, cacheMissesL1: 0, cacheMissesL2: 3 }, hits: 0.7 },
    {
      name: 'both: what L1 missed and L2 had is a hit',
      figures: { cacheHitsL1: 6, cacheHitsL2: 3, cacheMissesL1: 4, cacheMissesL2: 1 },
      hits: 0.9,
    },
    {
      name: 'both, and L2 had everything',
      figures: { cacheHitsL1: 6, cacheHitsL2: 4, cacheMissesL1: 4, cacheMissesL2: 0 },
      hits: 1,
    },
  ])('hit ratio of $name', ({ figures, hits }) => {
    expect(over(filled([[figures]]), 300_000, 11_000).cacheHitRatio?.value).toBeCloseTo(hits, 6);
  });
  test('percentages are of the limit, or the request where there is none, of the named container', () => {
    const figures = over(
      filled([
        [
          { cpuSeconds: 10, memoryBytes: 600 },
          { cpuSeconds: 5, memoryBytes: 100 },
        ],
      ]),
      300_000,
      11_000,
    );
    expect(figures.cpuPercent?.value).toBeCloseTo((100 * 1.5) / 4, 4);
    expect(figures.memoryPercent?.value).toBeCloseTo((100 * 700) / 2000, 4);
    expect(figures.memoryBytes?.value).toBe(600);
  });
  test('a silent Pod is left out, not repeated, and the answered ones are told', () => {
    const figures = over(
      filled([
        [{ requests: 100 }, { requests: 100 }],
        [{ requests: 100 }, undefined],
      ]),
      11_000,
      21_000,
    );
    expect(figures).toMatchObject({ requestRate: { value: 10 }, podsReady: 2, podsAnswered: 1 });
  });
  test('of a silent Pod CPU and memory still count where metrics.k8s.io has them: over one look, or until they come anew', () => {
    const silent = { reason: 'TimedOut', message: 'silent' } as const;
    const memoryAt = (row: number, intervalMs: number, ...later: readonly (Reading | undefined)[]) => {
      const window = createComponentWindow({ ...options, intervalMs });
      acceptReading(window, 'a', reading(9_000, { requests: 100, memoryBytes: 500 }));
      acceptFailure(window, 'a', silent, usage);
      for (const one of later) acceptUsage(window, 'a', one);
      closeRow(window, [view('a')], row);
      return over(window, 5_000, row + 1);
    };
    const usage = { ...reading(9_000, { memoryBytes: 600, cpuSeconds: 10 }), usageEveryMs: 20_000 };
    const figures = memoryAt(10_000, 10_000);
    expect(figures).toMatchObject({ memoryBytes: { value: 600 }, memoryPercent: { value: 60 }, podsAnswered: 0 });
    expect([figures.cpuCores?.value, figures.requestRate, figures.partial]).toEqual([1, undefined, loadFigures]);
    expect(memoryAt(29_000, 10_000).memoryBytes?.value).toBe(600); // 20 s old: they come anew as seldom
    expect(memoryAt(29_001, 10_000).memoryBytes).toBeUndefined();
    expect(memoryAt(309_000, 200_000).memoryBytes?.value).toBe(600); // one look and a half
    expect(memoryAt(309_001, 200_000).memoryBytes).toBeUndefined();
    expect(memoryAt(310_000, 10_000, { ...usage, observedAt: 305_000 }).memoryBytes?.value).toBe(600); // asked for between two looks
    expect(memoryAt(10_000, 10_000, undefined).memoryBytes).toBeUndefined();
  });
  test('sums are whole while each Pod has told its part within two and a half looks, and lower bounds after that', () => {
    const both = [{ inFlight: 3 }, { inFlight: 3 }];
    const isWhole = (rows: Parameters<typeof filled>[0]) =>
      !over(filled(rows), 300_000, 10_000 * rows.length).partial.includes('inFlight');
    const silent = [{ inFlight: 3 }, undefined];
    expect(isWhole([both])).toBe(true);
    expect(isWhole([both, silent, silent])).toBe(true); // a look that fails is no news
    expect(isWhole([both, silent, silent, silent])).toBe(false);
    expect(isWhole([both, [{ inFlight: 3 }, {}], silent, silent])).toBe(false);
    expect(isWhole([silent, silent, both])).toBe(true);
    expect(isWhole([silent])).toBe(false);
  });
  describe('tells of each sum how many Pods leave out what others tell', () => {
    const whole = { requests: 100, inFlight: 8, queue: 1, activeConnections: 2 };
    const { requests: _, ...noRequests } = whole;
    const { inFlight: __, ...noneInFlight } = whole;
    const { queue: ___, ...noQueue } = whole;
    const columns = ['requestRatePartial', 'inFlightPartial', 'queuePartial', 'activeConnectionsPartial'] as const;
    const partialIn = ({ rows }: ComponentWindow) => {
      const { figures } = rows.since(0, columns);
      return columns.map((column) => figures[column][0]);
    };
    test.each([
      { name: 'none where all tell all', pods: [whole, whole], partial: [0, 0, 0, 0] },
      { name: 'none of what nobody tells', pods: [noQueue, noQueue], partial: [0, 0, 0, 0] },
      { name: 'one without its requests', pods: [whole, noRequests], partial: [1, 0, 0, 0] },
      { name: 'one without what is in flight', pods: [noneInFlight, whole], partial: [0, 1, 0, 0] },
      { name: 'two without what waits', pods: [whole, noQueue, noQueue], partial: [0, 0, 2, 0] },
      { name: 'two, each without another part', pods: [whole, noQueue, noRequests], partial: [1, 0, 1, 0] },
      {
        name: 'one without its connections',
        pods: [whole, { requests: 1, inFlight: 1, queue: 1 }],
        partial: [0, 0, 0, 1],
      },
      { name: 'none that is silent: it is missed anyway', pods: [whole, undefined], partial: [0, 0, 0, 0] },
    ])('$name', ({ pods, partial }) => {
      expect(partialIn(filled([pods]))).toEqual(partial);
    });
    test('and which are so lower bounds: not the requests of a canary whose old Pods have no queue', () => {
      expect(
        over(
          filled([
            [whole, noQueue],
            [whole, noQueue],
          ]),
          300_000,
          60_000,
        ).partial,
      ).toEqual(loadFigures);
      expect(
        over(
          filled([
            [whole, noQueue],
            [whole, noQueue],
          ]),
          300_000,
          20_000,
        ).partial,
      ).toEqual(['queue']);
    });

    test('none that was never looked at before: it has finished nothing yet', () => {
      const window = createComponentWindow(options);
      acceptReading(window, 'a', reading(9_000, whole));
      acceptReading(window, 'b', { ...reading(9_000, {}), elapsedMs: undefined });
      closeRow(window, [view('a'), view('b')], 10_000);
      expect(partialIn(window)).toEqual([0, 0, 0, 0]);
    });
  });
  describe('while a Pod has no rate yet', () => {
    const window = createComponentWindow(options);
    const rows: readonly [row: number, known: readonly string[]][] = [
      [1, []],
      [2, ['a']],
      [3, ['a', 'b']],
    ];
    const pods = [view('a'), view('b')];
    const figuresAt = rows.map(([row, known]) => {
      const at = row * 10_000;
      for (const uid of ['a', 'b'])
        acceptReading(
          window,
          uid,
          known.includes(uid)
            ? reading(at - 1_000, { requests: 100, errors: uid === 'a' ? 10 : 0, queue: 1 })
            : { observedAt: at - 1_000, elapsedMs: undefined, figures: { queue: 1 }, histograms: {} },
        );
      closeRow(window, pods, at);
      return over(window, 300_000, at);
    });

    test('the rate of all is unknown, and then the true one: 10 and 10 are 20, never 10 or 15', () => {
      expect(figuresAt.map(({ requestRate }) => requestRate?.value)).toEqual([undefined, undefined, 20]);
    });
    test('the mean of a Pod is that of those that have one: 10, not 5', () => {
      expect(figuresAt.map(({ requestRatePerPod }) => requestRatePerPod?.value)).toEqual([undefined, 10, 10]);
    });
    test('errors are a share of what those Pods answered that have a rate', () => {
      expect(figuresAt[1]?.errorRatio?.value).toBeCloseTo(0.1, 6);
      expect(figuresAt[1]).toMatchObject({ queue: { value: 2 }, podsAnswered: 2 });
    });
  });

  test('what is stale is unknown: 2.5 intervals and a time-out after its row', () => {
    const window = filled([[{ requests: 100, queue: 7 }]]);
    expect(over(window, 300_000, 37_000)).toMatchObject({ requestRate: { value: 10 }, queue: { value: 7 } });
    const stale = over(window, 300_000, 37_001);
    expect(stale).not.toHaveProperty('requestRate');
    expect(stale).not.toHaveProperty('queue');
  });
  test('tells when a container of its Pods was last killed for its memory', () => {
    const pods = [view('a', { oomKilledAt: 5 }), view('b', { oomKilledAt: 7 }), view('c')];
    expect(figuresOver(filled([]), pods, 300_000, 0).oomKilledAt).toBe(7);
    expect(over(filled([]), 300_000, 0)).not.toHaveProperty('oomKilledAt');
  });
  test('the queue is of now, the load also at its highest', () => {
    const figures = over(filled([[{ inFlight: 25, queue: 9 }], [{ inFlight: 5, queue: 1 }]]), 300_000, 21_000);
    expect(figures).toMatchObject({ inFlight: { value: 5 }, inFlightMax: { value: 25 }, queue: { value: 1 } });
  });
});

describe('podRatesOf()', () => {
  test('is unknown after one look, known after two, by what was counted in the last half minute', () => {
    const window = createComponentWindow(options);
    const perSecond = (now: number) => podRatesOf(window, [view('a')], now)[0]?.requestsPerSecond;
    expect(perSecond(0)).toBeUndefined();
    acceptReading(window, 'a', { ...reading(10_000, {}), elapsedMs: undefined });
    expect(perSecond(11_000)).toBeUndefined();
    for (const [index, requests] of [0, 300, 300, 300].entries())
      acceptReading(window, 'a', reading(20_000 + index * 10_000, { requests }));
    expect(perSecond(51_000)).toBe(30); // the first of the four is older than that
  });
  test('is counted over three looks where these are more often: a load that doubles is seen as double after the third', () => {
    const window = createComponentWindow({ ...options, intervalMs: 5_000 });
    for (const [index, requests] of [100, 100, 100, 200, 200, 200].entries())
      acceptReading(window, 'a', reading(5_000 + index * 5_000, { requests }, 5_000));
    expect(podRatesOf(window, [view('a')], 31_000)[0]).toMatchObject({ requestsPerSecond: 40, windowSeconds: 15 });
  });
  test('is unknown once stale, and of Pods that are not Ready', () => {
    const window = createComponentWindow(options);
    acceptReading(window, 'a', reading(10_000, { requests: 50 }));
    expect(podRatesOf(window, [view('a')], 37_000)[0]).toMatchObject({
      requestsPerSecond: 5,
      windowSeconds: 10,
      observedAt: 10_000,
    });
    expect(podRatesOf(window, [view('a')], 37_001)[0]?.requestsPerSecond).toBeUndefined();
    const [terminating] = podRatesOf(window, [view('a', { deleting: true })], 11_000);
    expect(terminating).toMatchObject({ state: 'Terminating', requestsPerSecond: undefined });
  });
});
