import { describe, expect, test } from '@jest/globals';
import type { PodView } from '../../../../operator/metrics/pod-view.ts';
import { choiceOf } from '../../../../operator/metrics/sources/choice.ts';
import { failed, type ReadFailure, type ReadResult, type Source } from '../../../../operator/metrics/sources/source.ts';
import { podView } from '../../../world/pod-view.ts';

const intervalMs = 10_000;
const start = Date.UTC(2026, 0, 1);
const pod = (name: string, changes: Partial<PodView> = {}): PodView =>
  podView(name, { readySince: start - 3_600_000, createdAt: start - 3_600_000, ...changes });

type Said = 'works' | ReadFailure['reason'];
/** A source of its own making: what it answers is put into `says`, by Pod or for all. */
function scripted(type: Source['type'], first: Said) {
  const script = { says: first as Said | ((pod: string) => Said), looks: 0, forgotten: [] as string[] };
  const source: Source = {
    type,
    id: type,
    forget: (uid) => void script.forgotten.push(uid),
    read({ name }): Promise<ReadResult> {
      script.looks += 1;
      const said = typeof script.says === 'function' ? script.says(name) : script.says;
      return Promise.resolve(
        said === 'works'
          ? { result: 'read', reading: { observedAt: 0, elapsedMs: undefined, figures: {}, histograms: {} } }
          : failed(said, `${type} ${said}`),
      );
    },
  };
  return { source, script };
}

function world(first: Said, second: Said, type: Source['type'] = 'Prometheus', begin?: Source['type']) {
  const [pods, other] = [scripted('Pods', first), scripted(type, second)];
  let at = 0;
  const choice = choiceOf({
    sources: [pods.source, other.source],
    intervalMs,
    begin,
    clock: () => at,
    now: () => start + at,
  });
  const { signal } = new AbortController();
  /** Looks at each Pod once an interval; what the last look gave. */
  const pass = async (intervals: number, ...views: readonly PodView[]): Promise<ReadResult['result'] | undefined> => {
    let last: ReadResult | undefined;
    for (let turn = 0; turn < intervals; turn++) {
      for (const view of views) last = await choice.read(view, signal);
      at += intervalMs;
    }
    return last?.result;
  };
  return { choice, pods: pods.script, other: other.script, pass };
}

test('after three looks that fail the next source is read in the same turn, and status can say why', async () => {
  const { choice, pass } = world('NoPort', 'works');
  expect(await pass(2, pod('a'))).toBe('failed');
  expect([choice.type, choice.passedOver?.()]).toEqual(['Pods', []]);
  expect(await pass(1, pod('a'))).toBe('read');
  expect(choice.type).toBe('Prometheus');
  expect(choice.passedOver?.()).toEqual([{ type: 'Pods', failure: { reason: 'NoPort', message: 'Pods NoPort' } }]);
});

test('between two looks CPU and memory come as the source that is read has them', async () => {
  const said = failed('NoFigures', 'x');
  const pods = { ...scripted('Pods', 'NoPort').source, usage: () => Promise.resolve(said) };
  const choice = choiceOf({ sources: [pods, scripted('Resource', 'works').source], intervalMs, clock: () => at });
  const { signal } = new AbortController();
  let at = 0;
  expect(await choice.usage?.(pod('a'), signal)).toBe(said);
  for (; at < 3 * intervalMs; at += intervalMs) await choice.read(pod('a'), signal);
  expect([choice.type, choice.usage]).toEqual(['Resource', undefined]);
});

describe('what was read before a restart', () => {
  test('is read from the first look, without a try of the better one that does not work', async () => {
    const { choice, pass } = world('NoPort', 'works', 'Prometheus', 'Prometheus');
    expect(await pass(1, pod('a'))).toBe('read');
    expect(choice.type).toBe('Prometheus');
    expect(choice.passedOver?.()).toEqual([{ type: 'Pods', failure: { reason: 'NoPort', message: 'Pods NoPort' } }]);
  });

  test('gives way to a better one that works only after the same five minutes, and at once where it fails itself', async () => {
    const { choice, other, pass } = world('works', 'works', 'Prometheus', 'Prometheus');
    await pass(30, pod('a'));
    expect(choice.type).toBe('Prometheus');
    other.says = 'Unreachable';
    await pass(3, pod('a'));
    expect(choice.type).toBe('Pods');
  });

  test('is forgotten where the component does not name it any more', async () => {
    const { choice, pass } = world('works', 'works', 'Prometheus', 'HTTP');
    await pass(1, pod('a'));
    expect(choice.type).toBe('Pods');
  });
});

test('stays as long as one Pod can be read', async () => {
  const { choice, pods, pass } = world('works', 'works');
  pods.says = (name) => (name === 'a' ? 'TimedOut' : 'works');
  await pass(20, pod('a'), pod('b'));
  expect(choice.type).toBe('Pods');
});

test('comes back only after five minutes in which the better one worked', async () => {
  const { choice, pods, pass } = world('Unreachable', 'works');
  await pass(3, pod('a'));
  expect(choice.type).toBe('Prometheus');
  pods.says = 'works';
  await pass(36, pod('a')); // after three failures it is tried eight looks later, and then at each
  expect([choice.type, choice.passedOver?.()]).toEqual(['Prometheus', []]);
  await pass(3, pod('a'));
  expect(choice.type).toBe('Pods');
});

test('from metrics.k8s.io, which has no load to tell of, it comes back after three looks', async () => {
  const { choice, pods, pass } = world('Unreachable', 'works', 'Resource');
  await pass(3, pod('a'));
  expect(choice.type).toBe('Resource');
  pods.says = 'works';
  await pass(9, pod('a'));
  expect(choice.type).toBe('Resource');
  await pass(1, pod('a'));
  expect(choice.type).toBe('Pods');
});

test('a better one that fails again begins its five minutes anew', async () => {
  const { choice, pods, pass } = world('Unreachable', 'works');
  await pass(3, pod('a'));
  pods.says = 'works';
  await pass(30, pod('a'));
  pods.says = 'TimedOut';
  await pass(2, pod('a'));
  pods.says = 'works';
  await pass(20, pod('a'));
  expect(choice.type).toBe('Prometheus');
});

test('one that keeps failing is tried ever more seldom, on one Pod', async () => {
  const { pods, pass } = world('TimedOut', 'works');
  await pass(3, pod('a'), pod('b'));
  const looks = pods.looks;
  await pass(160, pod('a'), pod('b'));
  expect(pods.looks - looks).toBeLessThanOrEqual(21);
  expect(pods.looks - looks).toBeGreaterThanOrEqual(18);
});

test('a Pod that is new and has no figures yet says nothing of its source', async () => {
  const { choice, pass } = world('NoFigures', 'works');
  await pass(10, pod('a', { readySince: start }));
  expect(choice.type).toBe('Pods');
  await pass(5, pod('a', { readySince: start }));
  expect(choice.type).toBe('Prometheus');
});

test('lets go of a Pod in all of them', () => {
  const { choice, pods, other } = world('works', 'works');
  choice.forget('a');
  expect([pods.forgotten, other.forgotten]).toEqual([['a'], ['a']]);
});
