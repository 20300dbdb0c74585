import { describe, expect, test } from '@jest/globals';
import { type PodSample, replicasForPodsMetric } from '../../../operator/decide/pods-metric.ts';

const tolerance = { down: 0.1, up: 0.1 };
const running = (...values: readonly (number | undefined)[]): readonly PodSample[] =>
  values.map((value) => ({ state: 'running', ...(value === undefined ? {} : { value }) }));
const pending: PodSample = { state: 'pending' };
const leaving: PodSample = { state: 'leaving', value: 900 };

interface Row {
  readonly name: string;
  readonly current: number;
  readonly pods: readonly PodSample[];
  readonly expected: number | undefined;
}
describe('replicasForPodsMetric() with a target of 100 a Pod', () => {
  test.each<Row>([
    {
      name: 'asks for as many Pods as share the load (2 × 250 / 100 = 5)',
      current: 2,
      pods: running(250, 250),
      expected: 5,
    },
    { name: 'rounds a part of a Pod up (2 × 201 / 100 = 4.02 → 5)', current: 2, pods: running(201, 201), expected: 5 },
    {
      name: 'keeps the count at the edge of the tolerance (ratio 1.1)',
      current: 2,
      pods: running(110, 110),
      expected: 2,
    },
    { name: 'scales just past the tolerance (ratio 1.11)', current: 2, pods: running(111, 111), expected: 3 },
    { name: 'keeps the count at the lower edge (ratio 0.9)', current: 4, pods: running(90, 90, 90, 90), expected: 4 },
    { name: 'scales down below it (4 × 50 / 100 = 2)', current: 4, pods: running(50, 50, 50, 50), expected: 2 },
    {
      name: 'does not lose a Pod to a float (3 × 33.3333 summed is 100)',
      current: 2,
      pods: running(300 / 2, 300 / 2),
      expected: 3,
    },
    {
      name: 'cuts a mean off at its thousandths (150.0005 counts as 150 → 3)',
      current: 2,
      pods: running(150, 150.001),
      expected: 3,
    },
    { name: 'ignores what is being deleted', current: 2, pods: [...running(200, 200), leaving], expected: 4 },
    {
      name: 'counts a missing Pod as idle on the way up ((200 + 0) / 2 = 100: within)',
      current: 2,
      pods: running(200, undefined),
      expected: 2,
    },
    {
      name: 'counts a missing Pod as full on the way down ((20 + 100) / 2 = 60 → 2 of 2)',
      current: 2,
      pods: running(20, undefined),
      expected: 2,
    },
    {
      name: 'counts starting Pods as idle on the way up ((400 + 0 + 0) / 3 = 133 → 4)',
      current: 3,
      pods: [...running(400), pending, pending],
      expected: 4,
    },
    {
      name: 'leaves starting Pods out on the way down (2 × 40 / 100 → 1)',
      current: 3,
      pods: [...running(40, 40), pending],
      expected: 1,
    },
    {
      name: 'never goes below the current count on the way up ((300 + 300 + 0) / 100 = 6 < 9)',
      current: 9,
      pods: running(300, 300, undefined),
      expected: 9,
    },
    {
      name: 'knows nothing without a single value',
      current: 2,
      pods: running(undefined, undefined),
      expected: undefined,
    },
    { name: 'knows nothing of Pods that only start', current: 2, pods: [pending, pending], expected: undefined },
  ])('$name', ({ current, pods, expected }) => {
    expect(replicasForPodsMetric({ current, target: 100, pods, tolerance })?.replicas).toBe(expected);
  });
});
