import { expect, test } from '@jest/globals';
import { startPrometheus } from '../../hack/servers/prometheus.ts';
import { queryTrace } from '../../operator/cli/prometheus-trace.ts';
import { genops } from '../unit/cli/calls.ts';

test('simulate reads its load from a Prometheus: over more points than one answer has, with what is missing said', async () => {
  await using prometheus = await startPrometheus({ config: 'global: {scrape_interval: 1s}\n' });
  const until = 1_800_000_000;
  const ask = (query: string, lengthSeconds: number, stepSeconds = 15, url = prometheus.url) =>
    queryTrace({ url, query, stepSeconds, lengthSeconds, until }, AbortSignal.timeout(30_000));

  // A saw tooth of an hour, over ten days: 57 600 steps.
  const long = await ask('vector(time() % 3600 / 3600)', 864_000);
  expect(long.missing).toBe(0);
  expect(long.trace.counts).toHaveLength(57_600);
  const total = long.trace.counts.reduce((sum, count) => sum + count, 0);
  expect(total).toBeCloseTo(864_000 * (0.5 - 15 / 7_200), -1); // half a request a second, and no part of one lost
  const [first, hour] = [until - 57_599 * 15, 240];
  expect(long.trace.counts[hour]).toBeCloseTo(15 * ((first % 3_600) / 3_600), -0.5);

  // Nothing is known of every second minute.
  const holes = await ask('(vector(time() % 120) < 60) * 0 + 2', 600, 60);
  expect(holes).toEqual({
    trace: { stepSeconds: 60, counts: Float64Array.from(Array<number>(10).fill(120)) },
    missing: 5,
  });

  const loud = prometheus.url.replace('http:', 'HTTP:');
  expect((await ask('vector(2)', 60, 15, loud)).trace.counts).toEqual(Float64Array.of(30, 30, 30, 30));

  await expect(ask('vector(1) or label_replace(vector(1), "a", "b", "", "")', 60)).rejects.toThrow(
    /^saw 2 series of .*; wanted one, for example sum\(/,
  );
  await expect(ask('vector(', 60)).rejects.toThrow(/ answered 400: .*parse error/);
  await expect(ask('vector(1e99)', 60)).rejects.toThrow(
    'saw 1.5e+100 arrivals; wanted 1000000000000 in a step at most',
  );
  await expect(ask('nothing', 60)).rejects.toThrow('saw no point of the query in that time');

  const simulate = ['simulate', '--prometheus', prometheus.url, '--last', '1h'];
  const answer = await genops([...simulate, '--query', 'vector(2)', '--step', '60s', '-o', 'json']);
  expect(answer).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(answer.out)).toMatchObject({ lengthSeconds: 3_600, runs: [{ name: 'score', requests: 7_200 }] });
  expect(await genops(simulate)).toMatchObject({ code: 2, err: expect.stringContaining('name what is asked there') });
  await prometheus.stop();
  const gone = await genops([...simulate, '--query', 'vector(2)']);
  expect(gone).toMatchObject({ code: 2, err: expect.stringMatching(/cannot reach http:\/\/.*ECONNREFUSED/) });
});
