import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createStandings } from '../../../operator/metrics/standings.ts';
import { createServiceGauges } from '../../../operator/telemetry/service-gauges.ts';
import { storedService } from '../../world/builders.ts';

test('the score is that of the newest look, not of status; who does not lead has none', async () => {
  const service = storedService({ status: { rating: { grade: 'Good', score: 65 } } });
  const standings = createStandings();
  const look = { looked: [], insideSince: {}, attainmentWindowMs: 86_400_000, intervalMs: 3_000, now: 0 };
  const registry = new Registry();
  createServiceGauges(
    registry,
    () => [service],
    (of) => standings.of(of)?.score,
  );
  const score = async () => (await registry.getSingleMetric('genops_performance_score')?.get())?.values;
  expect(await score()).toEqual([]);
  standings.note(service, { ...look, score: 71, saved: () => undefined });
  expect(await score()).toEqual([{ labels: { namespace: 'ai', name: 'generation' }, value: 71 }]);
  standings.note(service, { ...look, score: undefined, saved: () => undefined });
  expect(await score()).toEqual([]);
});

test('the nodes of a Redis are told by whether they answer; of one that nobody has looked at there is no sample', async () => {
  const redis = [{ name: 'cache', nodes: 3, pendingNodes: 1 }, { name: 'alone', nodes: 1 }, { name: 'new' }];
  const registry = new Registry();
  createServiceGauges(
    registry,
    () => [storedService({ status: { redis } })],
    () => undefined,
  );
  const values = (await registry.getSingleMetric('genops_redis_nodes')?.get())?.values;
  expect(values?.map(({ labels, value }) => `${labels['server']} ${labels['state']} ${value}`)).toEqual([
    'cache answering 2',
    'cache pending 1',
    'alone answering 1',
    'alone pending 0',
  ]);
});
