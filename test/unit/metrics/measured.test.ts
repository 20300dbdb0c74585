import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import type { ComponentFigures } from '../../../operator/metrics/component-figures.ts';
import { measuredFrom } from '../../../operator/metrics/measured.ts';

const { objectives: policy } = effectivePolicy({}).policy;
const at = (value: number, observedAt = 1_000) => ({ value, observedAt });
const figures = (known: Partial<ComponentFigures>): ComponentFigures => ({
  coveredMs: 0,
  podsReady: 1,
  podsAnswered: 1,
  histograms: {},
  ...known,
});
const times = (observedAt: number, ...counts: readonly number[]) => ({
  bounds: [1, 2],
  counts: Float64Array.from(counts),
  sum: 0,
  count: counts.reduce((a, b) => a + b, 0),
  observedAt,
});

describe('measuredFrom()', () => {
  test('knows nothing of a service without figures', () => {
    expect(
      Object.values(measuredFrom({ policy, components: [{ name: 'a', figures: undefined }] }).objectives).filter(
        (value) => value !== undefined,
      ),
    ).toEqual([]);
  });
  test('takes the worst component, sums the load, and says of which component it speaks', () => {
    const { objectives, rating } = measuredFrom({
      policy,
      components: [
        {
          name: 'a',
          figures: figures({
            memoryBytes: at(5),
            errorRatio: at(0.2),
            cpuPercent: at(40),
            inFlightMax: at(3, 900),
            oomKilledAt: 7,
            cacheHitRatio: at(0.9),
          }),
        },
        {
          name: 'b',
          figures: figures({
            memoryBytes: at(9),
            errorRatio: at(0.1),
            cpuPercent: at(60),
            inFlightMax: at(4),
            cacheHitRatio: at(0.5),
          }),
        },
      ],
      redisHitRatio: at(0.8),
    });
    expect(objectives).toMatchObject({
      memory: { value: 9, component: 'b' },
      successRatio: { value: 0.8, component: 'a' },
      workflowsInFlight: { value: 7, observedAt: 900 },
      workloadHitRatio: { value: 0.5, component: 'b' },
      oomKilledAt: 7,
    });
    expect(rating).toEqual({ cpuPercent: 60, memoryBytes: 9, responseTimeP95: undefined, cacheHitRatio: 0.8 });
  });
  test('takes quantiles of all observations together: rank 95 of 60 + 40 in 1..2', () => {
    const components = [
      { name: 'a', figures: figures({ histograms: { workflowDuration: times(500, 60, 0) } }) },
      { name: 'b', figures: figures({ histograms: { workflowDuration: times(800, 0, 40) } }) },
    ];
    const both = measuredFrom({ policy, components }).objectives.workflowDuration;
    expect(both).toEqual({ value: 1.875, observedAt: 500 });
    const one = measuredFrom({ policy, components: components.slice(1) }).objectives.workflowDuration;
    expect(one).toEqual({ value: 1.95, observedAt: 800, component: 'b' });
  });
});
