import { expect, test } from '@jest/globals';
import { searchOracle } from '../../../operator/simulate/oracle.ts';
import type { Outcome } from '../../../operator/simulate/outcome.ts';
import { drawRequests } from '../../../operator/simulate/requests.ts';
import { startRun } from '../../../operator/simulate/run.ts';
import { replicasAtStart, type Service } from '../../../operator/simulate/service.ts';
import { lengthSeconds, type Trace } from '../../../operator/simulate/trace.ts';

const service: Service = {
  slots: 5,
  serviceSeconds: 8,
  serviceCv: 0.6,
  objectiveSeconds: 30,
  startUpSeconds: 60,
  minReplicas: 2,
  maxReplicas: 20,
};

/** @returns how the best of the schedules did, and how many were tried. */
function oracleOver(trace: Trace) {
  const requests = drawRequests(trace, service, 1);
  const tried: Outcome[] = [];
  const search = searchOracle(trace, service);
  let step = search.next();
  while (step.done !== true) {
    const run = startRun({
      requests,
      service,
      lengthSeconds: lengthSeconds(trace),
      replicas: replicasAtStart(trace, service),
      autoscaler: step.value,
      seed: 1,
    });
    run.advance(Infinity);
    tried.push(run.outcome());
    step = search.next(run.outcome());
  }
  return { best: step.value, tried };
}

const stepsOf = (perStep: (step: number) => number): Trace => ({
  stepSeconds: 15,
  counts: Float64Array.from({ length: 80 }, (_, step) => perStep(step)),
});

test('the oracle has Pods ready when a rise comes, for the fewest replica-hours of those that keep within 1 %', () => {
  const { best, tried } = oracleOver(stepsOf((step) => (step >= 40 && step < 60 ? 120 : 15))); // 8 slots, then 64, then 8
  expect(best.overRatio).toBeLessThanOrEqual(0.01);
  const enough = tried.filter(({ overRatio }) => overRatio <= 0.01);
  expect(best.replicaHours).toBe(Math.min(...enough.map(({ replicaHours }) => replicaHours)));
  const busy = (8 * 60 + 64 * 20) / (80 * 5); // replicas, on average over the twenty minutes
  expect(best.replicaHours).toBeGreaterThan(busy / 3);
  expect(best.replicaHours).toBeLessThan((1.4 * busy) / 3);
  const rise = best.decisions.find(([, replicas]) => replicas >= 10);
  expect(rise?.[0]).toBeGreaterThanOrEqual(600 - 1.1 * 60 - 5);
  expect(rise?.[0]).toBeLessThan(600 - 30);
});

test('where the most replicas are too few the oracle is about as late as they are', () => {
  const { best, tried } = oracleOver(stepsOf((step) => (step >= 40 && step < 60 ? 220 : 15))); // 117 slots of 100
  const [most] = tried;
  expect(most?.overRatio).toBeGreaterThan(0.1);
  expect(best.overRatio).toBeLessThanOrEqual(1.05 * (most?.overRatio ?? 0) + 0.001);
  expect(best.replicaHours).toBeLessThan(0.6 * (most?.replicaHours ?? 0));
});
