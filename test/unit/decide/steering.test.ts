import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { steering, type Steered, type Steering } from '../../../operator/decide/steering.ts';

const metric = (name: 'cpu' | 'memory') => ({
  type: 'Resource' as const,
  resource: { name, target: { type: 'Utilization' as const, averageUtilization: 70 } },
});
const requests = {
  type: 'Pods' as const,
  pods: { metric: { name: 'requests_per_second' }, target: { type: 'AverageValue' as const, averageValue: '100' } },
};
const unserved = { ...requests, pods: { ...requests.pods, metric: { name: 'queue_length' } } };

interface Row extends Partial<Omit<Steered, 'policy'>> {
  readonly name: string;
  readonly vertical?: PolicySpec['vertical'];
  readonly horizontal?: PolicySpec['horizontal'];
  readonly expected: Partial<Steering>;
}

describe('steering()', () => {
  test.each<Row>([
    {
      name: 'Split leaves cpu to the HPA and gives memory to the VPA',
      expected: {
        vertical: ['memory'],
        sized: ['memory'],
        taken: ['memory'],
        both: ['cpu', 'memory'],
        isRefused: false,
      },
    },
    {
      name: 'Split takes nothing from an HPA that would have no metric left, and the VPA sizes the other resource',
      horizontal: { metrics: [metric('memory')] },
      expected: { vertical: ['cpu'], taken: [] },
    },
    {
      name: 'Split counts a Pods metric that is folded into the floor for none that the HPA has',
      horizontal: { metrics: [metric('memory'), requests] },
      expected: { vertical: ['cpu'], taken: [] },
    },
    {
      name: 'Split counts one that the metrics API serves',
      horizontal: { metrics: [metric('memory'), requests] },
      podsMetrics: 'MetricsAPI',
      expected: { vertical: ['cpu', 'memory'], taken: ['memory'] },
    },
    {
      name: 'Split leaves nothing to a VPA that is to size cpu alone while the HPA scales by it',
      vertical: { controlledResources: ['cpu'] },
      expected: { vertical: [], taken: [], both: ['cpu'] },
    },
    {
      name: 'a metric of one container is of the same resource',
      horizontal: {
        metrics: [
          metric('cpu'),
          {
            type: 'ContainerResource',
            containerResource: {
              name: 'memory',
              container: 'app',
              target: { type: 'Utilization', averageUtilization: 80 },
            },
          },
        ],
      },
      expected: { vertical: ['memory'], taken: ['memory'] },
    },
    {
      name: 'PreferHorizontal leaves both to the HPA',
      vertical: { conflictResolution: 'PreferHorizontal' },
      expected: { vertical: [], taken: [] },
    },
    {
      name: 'Split counts none that nobody serves',
      horizontal: { metrics: [metric('memory'), unserved] },
      podsMetrics: 'MetricsAPI',
      expected: { vertical: ['cpu'], taken: [] },
    },
    {
      name: 'PreferVertical takes both from an HPA that has another metric',
      vertical: { conflictResolution: 'PreferVertical' },
      horizontal: { metrics: [metric('cpu'), metric('memory'), requests] },
      podsMetrics: 'MetricsAPI',
      expected: { vertical: ['cpu', 'memory'], taken: ['cpu', 'memory'], leavesNoMetric: false },
    },
    {
      name: 'PreferVertical takes what a VPA sizes from an HPA that has the other resource',
      vertical: { conflictResolution: 'PreferVertical', controlledResources: ['memory'] },
      expected: { vertical: ['memory'], taken: ['memory'], leavesNoMetric: false },
    },
    {
      name: 'PreferVertical takes nothing from an HPA that would have no metric left, and the VPA sizes nothing',
      vertical: { conflictResolution: 'PreferVertical' },
      horizontal: { metrics: [metric('memory')] },
      expected: { vertical: [], sized: [], taken: [], both: ['memory'], leavesNoMetric: true },
    },
    {
      name: 'PreferVertical counts a Pods metric that is folded into the floor for none that the HPA has',
      vertical: { conflictResolution: 'PreferVertical' },
      horizontal: { metrics: [metric('cpu'), metric('memory'), requests] },
      expected: { vertical: [], taken: [], both: ['cpu', 'memory'], leavesNoMetric: true },
    },
    {
      name: 'Refuse lets neither act',
      vertical: { conflictResolution: 'Refuse' },
      expected: { vertical: [], taken: [], both: ['cpu', 'memory'], isRefused: true },
    },
    {
      name: 'Refuse refuses nothing where the HPA scales by something else',
      vertical: { conflictResolution: 'Refuse', controlledResources: ['memory'] },
      horizontal: { metrics: [metric('cpu')] },
      expected: { vertical: ['memory'], taken: [], both: [], isRefused: false },
    },
    {
      name: 'an HPA that is not ours to write is asked for nothing',
      horizontal: { mode: 'FloorOnly' },
      expected: { vertical: ['cpu', 'memory'], taken: [] },
    },
    {
      name: 'a VPA that only recommends takes nothing',
      vertical: { mode: 'DryRun' },
      expected: { vertical: [], taken: [], both: [] },
    },
    {
      name: 'nothing is taken for a VPA that the cluster does not have',
      vpa: undefined,
      expected: { vertical: [], sized: [], taken: [], both: [] },
    },
    {
      name: 'what a VPA is to size and cannot is taken from nobody, and stays what it is to size',
      vpa: 'HeldUp',
      expected: { vertical: ['memory'], sized: [], taken: [], both: ['cpu', 'memory'] },
    },
    {
      name: 'Refuse is no other while it is held up, since it is what holds it up',
      vertical: { conflictResolution: 'Refuse' },
      vpa: 'HeldUp',
      expected: { taken: [], isRefused: true },
    },
  ])('$name', ({ vertical, horizontal, podsMetrics = 'Shadow', expected, ...row }) => {
    const { vpa } = { vpa: 'Sizes' as const, ...row };
    const overrides = { vertical: { mode: 'Enforce' as const, ...vertical }, horizontal: { ...horizontal } };
    expect(steering({ policy: effectivePolicy({ overrides }).policy, podsMetrics, vpa })).toMatchObject(expected);
  });
});
