import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { refusal, unreachable } from '../../../../operator/kube/api-error.ts';
import { createResourceUsage, resourceSource, withResource } from '../../../../operator/metrics/sources/resource.ts';
import { failed, type Source } from '../../../../operator/metrics/sources/source.ts';
import { podView } from '../../../world/pod-view.ts';

const pod = podView('a', {
  containers: [
    { name: 'app', cpuRequest: 1, cpuLimit: 1, memoryRequest: undefined, memoryLimit: undefined },
    { name: 'proxy', cpuRequest: 1, cpuLimit: 1, memoryRequest: undefined, memoryLimit: undefined },
  ],
});
const metricsOf = (ageMs: number, usage: Readonly<Record<string, string>> = { cpu: '1500m', memory: '100Mi' }) => ({
  metadata: { name: 'a' },
  timestamp: new Date(Date.now() - ageMs).toISOString(),
  containers: [
    { name: 'proxy', usage: { cpu: '9', memory: '9Gi' } },
    { name: 'app', usage },
  ],
});
const { signal } = new AbortController();
const attempt = { verb: 'list', target: 'PodMetrics in ai' };

function options(answer: () => Promise<readonly unknown[]>) {
  const list = answer as never;
  return { usage: createResourceUsage({ list }), containerName: undefined, intervalMs: 1, timeoutMs: 1_000 };
}
const always = (metrics: unknown) => options(() => Promise.resolve([metrics]));

describe('resourceSource()', () => {
  test('gives memory at once, and cpu over the time since the look before, of the default container', async () => {
    const source = resourceSource(always(metricsOf(0)));
    expect(await source.read(pod, signal)).toMatchObject({
      reading: { elapsedMs: undefined, figures: { memoryBytes: 100 * 2 ** 20 } },
    });
    const { reading } = { reading: undefined, ...(await source.read(pod, signal)) };
    expect((reading?.figures.cpuSeconds ?? NaN) / ((reading?.elapsedMs ?? NaN) / 1_000)).toBeCloseTo(1.5, 6);
  });
  test.each<{ name: string; metrics: unknown; message: RegExp }>([
    {
      name: 'a Pod that is not there',
      metrics: { metadata: { name: 'b' } },
      message: /no figures of Pod a, container app/,
    },
    { name: 'figures of three minutes ago', metrics: metricsOf(180_000), message: /container app that are 180 s old/ },
  ])('$name has no figures', async ({ metrics, message }) => {
    expect(await resourceSource(always(metrics)).read(pod, signal)).toMatchObject({
      failure: { reason: 'NoFigures', message: expect.stringMatching(message) },
    });
  });
  test.each([
    { window: '15.032s', everyMs: 15_000 },
    { window: '10.4s', everyMs: 15_000 }, // a kubelet looks no more often
    { window: '17.9s', everyMs: 15_000 },
    { window: '980ms', everyMs: 15_000 },
    { window: undefined, everyMs: 15_000 },
    { window: '29.1s', everyMs: 30_000 },
    { window: '1m0.5s', everyMs: 60_000 },
    { window: '1h0m0s', everyMs: 3_600_000 },
  ])('figures over $window come anew about every $everyMs ms', async ({ window, everyMs }) => {
    const metrics = { ...metricsOf(0), ...(window === undefined ? {} : { window }) };
    expect(await resourceSource(always(metrics)).read(pod, signal)).toMatchObject({
      reading: { usageEveryMs: everyMs },
    });
  });
  test('amounts that are none are unknown', async () => {
    const source = resourceSource(always(metricsOf(0, { cpu: 'NaN', memory: '-5Mi' })));
    await source.read(pod, signal);
    expect(await source.read(pod, signal)).toMatchObject({ result: 'read', reading: { figures: {} } });
  });
  test.each([
    {
      error: refusal(attempt, { status: 404, body: '404 page not found' }),
      reason: 'BadStatus',
      next: /install metrics-server/,
    },
    {
      error: refusal(attempt, { status: 403, body: 'no' }),
      reason: 'BadStatus',
      next: /grant list on pods of metrics.k8s.io/,
    },
    { error: refusal(attempt, { status: 503, body: 'no' }), reason: 'BadStatus', next: /kubectl get apiservice/ },
    {
      error: unreachable(attempt, 'https://x', new Error('ECONNREFUSED'), false),
      reason: 'Unreachable',
      next: /kubectl get apiservice/,
    },
  ])('$error.message is said with its next step', async ({ error, reason, next }) => {
    expect(await resourceSource(options(() => Promise.reject(error))).read(pod, signal)).toMatchObject({
      failure: { reason, next: expect.stringMatching(next) },
    });
  });
});

describe('withResource()', () => {
  const exposition: Source = {
    type: 'Pods',
    id: 'x',
    forget: () => undefined,
    read: () =>
      Promise.resolve({
        result: 'read',
        reading: {
          observedAt: 1,
          elapsedMs: 10_000,
          figures: { requests: 5, cpuSeconds: 1, memoryBytes: 7 },
          histograms: {},
        },
      }),
  };
  test('takes cpu and memory from metrics.k8s.io, over the time of the reading, and all else as it is', async () => {
    const source = withResource(exposition, always(metricsOf(0)));
    await source.read(pod, signal);
    const { reading } = { reading: undefined, ...(await source.read(pod, signal)) };
    expect(reading).toMatchObject({
      observedAt: 1,
      usageEveryMs: 15_000,
      figures: { requests: 5, memoryBytes: 100 * 2 ** 20 },
    });
    expect(reading?.figures.cpuSeconds).toBeCloseTo(15, 6);
  });
  test('leaves the exposition’s own where metrics.k8s.io cannot be had', async () => {
    const source = withResource(exposition, always({ metadata: { name: 'b' } }));
    const read = await source.read(pod, signal);
    expect(read).toMatchObject({ reading: { figures: { cpuSeconds: 1, memoryBytes: 7 } } });
    expect(read).not.toHaveProperty('reading.usageEveryMs');
  });
  describe('where a list of metrics.k8s.io fails', () => {
    const start = Date.now();
    const clock = jest.spyOn(Date, 'now');
    afterAll(() => clock.mockRestore());
    type List = () => Promise<readonly unknown[]>;
    const has: List = () => Promise.resolve([metricsOf(0)]);
    const hasNone: List = () => Promise.resolve([]);
    const fails: List = () => Promise.reject(refusal(attempt, { status: 503, body: 'no' }));
    const container = { requests: 5, cpuSeconds: expect.closeTo(15, 6), memoryBytes: 100 * 2 ** 20 };
    const process = { requests: 5, cpuSeconds: 1, memoryBytes: 7 };
    test.each<{ name: string; intervalMs: number; lists: (readonly [List, afterMs: number])[]; figures: object }>([
      {
        name: 'what the one before said stands as long as it comes anew no sooner',
        intervalMs: 5_000,
        lists: [[fails, 15_000]],
        figures: container,
      },
      { name: 'and not longer', intervalMs: 5_000, lists: [[fails, 15_001]], figures: process },
      { name: 'it stands over one look', intervalMs: 60_000, lists: [[fails, 90_000]], figures: container },
      { name: 'and not over two', intervalMs: 60_000, lists: [[fails, 90_001]], figures: process },
      {
        name: 'nothing stands where there was none of the Pod since',
        intervalMs: 5_000,
        lists: [
          [hasNone, 5_000],
          [fails, 10_000],
        ],
        figures: process,
      },
      {
        name: 'CPU is known with the next one that does not',
        intervalMs: 60_000,
        lists: [
          [fails, 120_000],
          [has, 180_000],
        ],
        figures: container,
      },
    ])('$name', async ({ intervalMs, lists, figures }) => {
      let list = has;
      const source = withResource(exposition, { ...options(() => list()), intervalMs });
      let read: unknown;
      for (const [next, afterMs] of [[has, -intervalMs] as const, [has, 0] as const, ...lists]) {
        clock.mockReturnValue(start + afterMs);
        list = next;
        read = await source.read(pod, signal);
      }
      expect(read).toMatchObject({ result: 'read', reading: { figures } });
    });
  });
  test('fails where the exposition does, and says what metrics.k8s.io has meanwhile', async () => {
    const broken = { ...exposition, read: () => Promise.resolve(failed('TimedOut', 'x')) };
    const source = withResource(broken, always(metricsOf(0)));
    const meanwhile = { figures: { memoryBytes: 100 * 2 ** 20 } };
    expect(await source.read(pod, signal)).toMatchObject({
      result: 'failed',
      failure: { reason: 'TimedOut' },
      usage: meanwhile,
    });
    expect(await source.usage?.(pod, signal)).toMatchObject({ reading: meanwhile });
    const nothing = await withResource(broken, always({ metadata: { name: 'b' } })).read(pod, signal);
    expect(nothing).toEqual(failed('TimedOut', 'x'));
  });
});
