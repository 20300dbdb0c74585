import { describe, expect, test } from '@jest/globals';
import { acceptReading, createComponentWindow } from '../../../operator/metrics/component-window.ts';
import { podFiguresOf } from '../../../operator/metrics/pod-figures.ts';
import type { PodView } from '../../../operator/metrics/pod-view.ts';
import type { Reading } from '../../../operator/metrics/reading.ts';
import { podView } from '../../world/pod-view.ts';

const options = { containerName: 'app', intervalMs: 10_000, timeoutMs: 2_000, history: 100, windowMs: 300_000 };
const view = (name: string, changes: Partial<PodView> = {}): PodView =>
  podView(name, {
    containers: [{ name: 'app', cpuRequest: 0.5, cpuLimit: 2, memoryRequest: 1_000, memoryLimit: undefined }],
    ...changes,
  });
const reading = (figures: Reading['figures'], elapsedMs: number | undefined = 10_000): Reading => ({
  observedAt: 10_000,
  elapsedMs,
  figures,
  histograms: {},
});
const figuresOf = (said: Reading, pod: PodView, now = 11_000) => {
  const window = createComponentWindow(options);
  acceptReading(window, pod.uid, said);
  return podFiguresOf(window, [pod], now)[0];
};
const said = { requests: 50, cpuSeconds: 5, memoryBytes: 800, activeConnections: 0, inFlight: 2 };

describe('podFiguresOf()', () => {
  test('gives rates of the last look, and percents of the limit or else of the request', () => {
    expect(figuresOf(reading(said), view('a'))).toEqual({
      name: 'a',
      state: 'Ready',
      observedAt: 10_000,
      requestRate: 5,
      cpuCores: 0.5,
      cpuPercent: 25,
      memoryBytes: 800,
      memoryPercent: 80,
      activeConnections: 0,
      inFlight: 2,
    });
  });
  test('leaves out what the Pod does not tell, and rates before the second look', () => {
    expect(figuresOf(reading({ memoryBytes: 800 }, undefined), view('a', { containers: [] }))).toEqual({
      name: 'a',
      state: 'Ready',
      observedAt: 10_000,
      memoryBytes: 800,
    });
  });
  test.each<{ name: string; pod: PodView; now?: number; state: string }>([
    { name: 'a Pod that is going', pod: view('a', { deleting: true }), state: 'Terminating' },
    { name: 'figures of two missed looks and more', pod: view('a'), now: 37_001, state: 'Ready' },
  ])('of $name nothing is known', ({ pod, now, state }) => {
    expect(figuresOf(reading(said), pod, now)).toEqual({ name: 'a', state });
  });
  test('and a look before that still counts', () => {
    expect(figuresOf(reading(said), view('a'), 37_000)).toMatchObject({ requestRate: 5 });
  });
  test('is in the order of names', () => {
    const window = createComponentWindow(options);
    expect(podFiguresOf(window, [view('b'), view('a')], 0).map(({ name }) => name)).toEqual(['a', 'b']);
  });
});
