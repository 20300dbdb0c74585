import { expect, test } from '@jest/globals';
import { createMetrics } from '../../../operator/telemetry/metrics.ts';
import { runtimeMetrics } from '../../../operator/telemetry/runtime-metrics.ts';

test('how a watch failed is counted, and every way is there before it happens', async () => {
  const metrics = createMetrics();
  const told = runtimeMetrics(metrics);
  told.started('pods', 'list');
  told.failed('pods', 'silent');
  told.started('pods', 'watch');
  told.failed('pods', 'silent');
  const { values } = await metrics.watchFailures.get();
  expect(values.map(({ labels: { resource, why }, value }) => [resource, why, value])).toEqual([
    ['pods', 'silent', 2],
    ['pods', 'expired', 0],
    ['pods', 'error', 0],
  ]);
});
