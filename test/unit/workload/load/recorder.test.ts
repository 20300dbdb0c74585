import { describe, expect, test } from '@jest/globals';
import { Recorder } from '../../../workload/load/recorder.ts';

const ok = { status: 200 };

describe('Recorder', () => {
  test('counts latency from the time a request was due, not from when it was sent', () => {
    const recorder = new Recorder();
    recorder.ended(recorder.sent(100, 350), ok, 400);
    expect(recorder.totals().latency?.maxMs).toBeCloseTo(300, 0);
    expect(recorder.totals().startDelay?.maxMs).toBeCloseTo(250, 0);
  });

  test('gives percentiles to three digits: 1 … 1000 ms have p50 500, p95 950, p99 990', () => {
    const recorder = new Recorder();
    for (let ms = 1; ms <= 1000; ms += 1) recorder.ended(recorder.sent(0, 0), ok, ms);
    const { latency } = recorder.totals();
    const wanted = { p50Ms: 500, p90Ms: 900, p95Ms: 950, p99Ms: 990, maxMs: 1000 };
    for (const [name, value] of Object.entries(wanted) as [keyof typeof wanted, number][])
      expect(Math.abs((latency?.[name] ?? 0) - value)).toBeLessThanOrEqual(value / 1000);
  });

  test('shows a stall while it lasts: nothing is done, and the oldest has waited since it was due', () => {
    const recorder = new Recorder();
    recorder.sent(200, 200);
    recorder.sent(700, 700);
    expect(recorder.tick(1000)).toMatchObject({ second: 1, sent: 2, done: 0, inFlight: 2, oldestMs: 800, p99Ms: null });
    expect(recorder.tick(2000)).toMatchObject({ second: 2, sent: 0, oldestMs: 1800 });
  });

  test('keeps the answers of each second apart', () => {
    const recorder = new Recorder();
    recorder.ended(recorder.sent(0, 0), ok, 10);
    expect(recorder.tick(1000).p50Ms).toBeCloseTo(10, 1);
    recorder.ended(recorder.sent(1000, 1000), ok, 1500);
    expect(recorder.tick(2000)).toMatchObject({ done: 1, p50Ms: expect.closeTo(500, 0) });
  });

  test('counts a quick 503 as an error, not as a quick answer', () => {
    const recorder = new Recorder();
    recorder.ended(recorder.sent(0, 0), { status: 503 }, 1);
    recorder.ended(recorder.sent(0, 0), { failure: 'TimedOut' }, 2);
    recorder.refused();
    expect(recorder.totals()).toMatchObject({ sent: 2, done: 0, errors: 2, refused: 1, latency: null });
    expect(recorder.statuses).toEqual({ 503: 1 });
    expect(recorder.failures.TimedOut).toBe(1);
  });
});
