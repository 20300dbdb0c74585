import { expect, test } from '@jest/globals';
import { createMetrics } from '../../../operator/telemetry/metrics.ts';

test('every loop is there before its first reconcile, so that a rate has the point before it', async () => {
  const { values } = await createMetrics().reconciles.get();
  const loops = ['generation-service', 'performance-policy', 'scaler', 'objectives', 'optimizer'];
  expect(values.map(({ labels: { controller, result }, value }) => [controller, result, value])).toEqual(
    loops.flatMap((loop) => [
      [loop, 'success', 0],
      [loop, 'error', 0],
    ]),
  );
});
