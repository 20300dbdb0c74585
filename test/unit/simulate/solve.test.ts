import { expect, test } from '@jest/globals';
import { drawRequests } from '../../../operator/simulate/requests.ts';
import { startRun } from '../../../operator/simulate/run.ts';
import { solve } from '../../../operator/simulate/solve.ts';
import type { Service } from '../../../operator/simulate/service.ts';

const service: Service = {
  slots: 5,
  serviceSeconds: 8,
  serviceCv: 0.6,
  objectiveSeconds: 30,
  startUpSeconds: 30,
  minReplicas: 1,
  maxReplicas: 12,
};

test('carries more with each replica, and never more than 95 % of its slots', () => {
  const { capacities = [] } = solve(service, 20) ?? {};
  expect(capacities.map(({ replicas }) => replicas)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  for (const [index, { inFlight }] of capacities.entries()) {
    expect(inFlight).toBeGreaterThan(capacities[index - 1]?.inFlight ?? 0);
    expect(inFlight).toBeLessThanOrEqual(0.95 * 5 * (index + 1) + 1e-6);
  }
});

test.each([2, 8])(
  'a simulation agrees that %d replicas carry what is said, and not a tenth more than their slots',
  (replicas) => {
    const most = solve(service, 20)?.capacities[replicas - 1]?.requestsPerSecond ?? 0;
    const overWith = (perSecond: number): number => {
      const trace = { stepSeconds: 60, counts: new Float64Array(120).fill(60 * perSecond) };
      const run = startRun({
        requests: drawRequests(trace, service, 1),
        service,
        lengthSeconds: 7_200,
        replicas,
        autoscaler: { name: 'none', nextAt: Infinity, act: () => replicas },
        seed: 1,
      });
      run.advance(Infinity);
      return run.outcome().overRatio;
    };
    expect(overWith(most)).toBeLessThan(0.05); // p95 is met
    expect(overWith((1.1 * replicas * 5) / 8)).toBeGreaterThan(0.05);
  },
);

test('is nothing where service times alone miss the objective', () => {
  expect(solve({ ...service, objectiveSeconds: 17 }, 20)).toBeUndefined();
});
