import { describe, expect, test } from '@jest/globals';
import { loadSamples, type LoadSlice } from '../../../operator/metrics/load-samples.ts';

type Row = Partial<Record<keyof LoadSlice['figures'], number>>;
function slice(...rows: readonly Row[]): LoadSlice {
  const column = (name: keyof Row) => Float32Array.from(rows, (row) => row[name] ?? NaN);
  return {
    times: Float64Array.from(rows, (_, row) => 10_000 * (row + 1)),
    figures: {
      podsReady: column('podsReady'),
      podsAnswered: column('podsAnswered'),
      answerRate: column('answerRate'),
      errorRate: column('errorRate'),
      inFlight: column('inFlight'),
      queue: column('queue'),
      requestRatePartial: column('requestRatePartial'),
      inFlightPartial: column('inFlightPartial'),
      queuePartial: column('queuePartial'),
    },
  };
}
const reading = { periodSeconds: 10, maxErrorRatio: 0.05 };
const calm: Row = { podsReady: 4, podsAnswered: 4, answerRate: 2, inFlight: 16, queue: 0 };

describe('loadSamples()', () => {
  test('says what arrived: what finished, and what there is more of', () => {
    const [sample] = loadSamples(slice(calm, { ...calm, inFlight: 18, queue: 5 }), reading);
    expect(sample).toEqual({
      at: 20_000,
      load: { arrived: 20 + 7, finished: 20, busySeconds: 170, waiting: 5, ready: 4 },
    });
  });

  test('lets Pods that answer stand for a few that do not', () => {
    const rows = slice(calm, { ...calm, podsReady: 5 });
    expect(loadSamples(rows, reading)[0]?.load).toEqual({
      arrived: 25,
      finished: 25,
      busySeconds: 200,
      waiting: 0,
      ready: 5,
    });
  });

  test('knows a service that nobody asks anything from one that is silent', () => {
    const quiet = { ...calm, answerRate: 0, inFlight: 0 };
    expect(loadSamples(slice(quiet, quiet), reading)[0]?.load).toMatchObject({ arrived: 0, busySeconds: 0 });
    expect(loadSamples(slice(calm, { ...calm, podsAnswered: 0 }), reading)[0]?.load).toBeUndefined();
    expect(loadSamples(slice(calm, { ...calm, podsReady: 10, podsAnswered: 6 }), reading)[0]?.load).toBeUndefined();
  });

  test.each(['requestRatePartial', 'inFlightPartial', 'queuePartial'] as const)(
    'says that a sum may be too small where there is %s, in this row or the one before',
    (column) => {
      const rows = slice(calm, calm, { ...calm, inFlight: 12, [column]: 1 }, calm, calm);
      const samples = loadSamples(rows, reading);
      expect(samples.map(({ load }) => load?.isPartial ?? false)).toEqual([false, true, true, false]);
    },
  );

  test.each(['answerRate', 'inFlight'] as const)('says nothing without %s', (column) => {
    const { [column]: _, ...rest } = calm;
    expect(loadSamples(slice(calm, rest), reading)[0]?.load).toBeUndefined();
  });

  test.each([
    { name: 'knows nothing of how long requests take while many fail', errorRate: 0.11, finished: 0, busySeconds: 0 },
    { name: 'counts all the same where a few fail', errorRate: 0.09, finished: 20, busySeconds: 160 },
  ])('$name, though they arrived', ({ errorRate, finished, busySeconds }) => {
    const failing = { ...calm, errorRate };
    const [sample] = loadSamples(slice(failing, failing), reading);
    expect(sample?.load).toMatchObject({ arrived: 20, finished, busySeconds });
  });

  test('takes a workload without a queue for one in which nothing waits, and says that nobody knows', () => {
    const { queue: _, ...rest } = calm;
    expect(loadSamples(slice(rest, rest), reading)[0]?.load).toMatchObject({
      arrived: 20,
      waiting: 0,
      isWaitingUnknown: true,
    });
  });
});
