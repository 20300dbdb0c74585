import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import type { PodsMetricsWay } from '../../../operator/decide/resolve.ts';
import { shadowedMetrics } from '../../../operator/decide/shadow.ts';

const pods = (name: string, target: object) =>
  ({ type: 'Pods', pods: { metric: { name }, target } }) as NonNullable<
    NonNullable<PolicySpec['horizontal']>['metrics']
  >[number];
const average = { type: 'AverageValue', averageValue: '1500m' };

interface Row {
  readonly name: string;
  readonly horizontal?: PolicySpec['horizontal'];
  readonly podsMetrics?: PodsMetricsWay;
  readonly expected: readonly unknown[];
}
describe('shadowedMetrics()', () => {
  test.each<Row>([
    { name: 'are the Pods metrics of the default policy', expected: [{ name: 'requests_per_second', target: 100 }] },
    {
      name: 'have their target in plain numbers',
      horizontal: { metrics: [pods('requests_per_second', average)] },
      expected: [{ name: 'requests_per_second', target: 1.5 }],
    },
    { name: 'are none where the HPA reads them from our metrics API', podsMetrics: 'MetricsAPI', expected: [] },
    { name: 'are none where replicas are nobody’s matter', horizontal: { mode: 'Off' }, expected: [] },
    {
      name: 'are none that another adapter serves',
      horizontal: { metrics: [pods('queue_of_somebody_else', average)] },
      expected: [],
    },
  ])('$name', ({ horizontal = {}, podsMetrics = 'Shadow', expected }) => {
    const { policy } = effectivePolicy({ overrides: { horizontal } });
    expect(shadowedMetrics({ policy, podsMetrics })).toEqual(expected);
  });
});
