import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { autoscalerOf, type AutoscalerName } from '../../../operator/simulate/autoscalers/named.ts';
import { below, nodes, weights } from '../../../operator/simulate/normal.ts';
import { drawRequests } from '../../../operator/simulate/requests.ts';
import { startRun } from '../../../operator/simulate/run.ts';
import { replicasAtStart, type Service } from '../../../operator/simulate/service.ts';
import { startSteps } from '../../../operator/simulate/steps.ts';

const { policy } = effectivePolicy({});
const service: Service = {
  slots: 5,
  serviceSeconds: 8,
  serviceCv: 0.6,
  objectiveSeconds: 30,
  startUpSeconds: 60,
  minReplicas: 2,
  maxReplicas: 20,
};
/** Six hours with a rise every two, 3/s against 1/s. */
const trace = {
  stepSeconds: 15,
  counts: Float64Array.from({ length: 1440 }, (_, step) => (step % 480 < 120 ? 45 : 15)),
};
const lengthSeconds = 6 * 3600;

function both(name: AutoscalerName) {
  const start = () => ({
    service,
    replicas: replicasAtStart(trace, service),
    autoscaler: autoscalerOf(name, { policy, service }),
    seed: 1,
  });
  const [each, steps] = [
    startRun({ ...start(), requests: drawRequests(trace, service, 1), lengthSeconds }),
    startSteps({ ...start(), trace }),
  ];
  each.advance(Infinity);
  steps.advance(Infinity);
  return [each.outcome(), steps.outcome()] as const;
}

describe('startSteps()', () => {
  test.each(['hpa', 'lookahead'] as const)('agrees with what single requests show, under %s', (name) => {
    const [each, steps] = both(name);
    expect(steps.requests).toBeCloseTo(each.requests, 6);
    expect(steps.replicaHours / each.replicaHours).toBeGreaterThan(0.92);
    expect(steps.replicaHours / each.replicaHours).toBeLessThan(1.08);
    expect(steps.overRatio / each.overRatio).toBeGreaterThan(0.6);
    expect(steps.overRatio / each.overRatio).toBeLessThan(1.6);
  });

  test('leaves the service time alone to make requests late where there is room (P(S > 30 s) = 0.39 %)', () => {
    const steps = startSteps({
      trace: { stepSeconds: 15, counts: new Float64Array(400).fill(15) },
      service,
      replicas: 10,
      autoscaler: { name: 'none', nextAt: Infinity, act: () => 10 },
      seed: 1,
    });
    steps.advance(Infinity);
    expect(steps.outcome().overRatio).toBeCloseTo(0.0039, 4);
  });
});

test('the normal distribution', () => {
  expect(below(0)).toBeCloseTo(0.5, 6);
  expect(below(1.6449)).toBeCloseTo(0.95, 4);
  expect(below(-1.6449)).toBeCloseTo(0.05, 4);
  const moment = (power: number): number => {
    let sum = 0;
    for (const [index, node] of nodes.entries()) sum += (weights[index] ?? 0) * node ** power;
    return sum;
  };
  expect([0, 1, 2, 4].map((power) => moment(power)).map((value) => Math.round(value * 1e6) / 1e6)).toEqual([
    1, 0, 1, 3,
  ]);
});
