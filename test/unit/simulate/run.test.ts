import { describe, expect, test } from '@jest/globals';
import { createFleet } from '../../../operator/simulate/fleet.ts';
import { random } from '../../../operator/simulate/random.ts';
import { drawRequests } from '../../../operator/simulate/requests.ts';
import { startRun, type RunInput } from '../../../operator/simulate/run.ts';
import { replicasAtStart, type Service } from '../../../operator/simulate/service.ts';
import type { Autoscaler } from '../../../operator/simulate/world.ts';

const service: Service = {
  slots: 2,
  serviceSeconds: 10,
  serviceCv: 0.6,
  objectiveSeconds: 25,
  startUpSeconds: 30,
  minReplicas: 1,
  maxReplicas: 10,
};
/** Asks for these replicas at these seconds. */
function scripted(...steps: readonly (readonly [at: number, replicas: number])[]): Autoscaler {
  let next = 0;
  return {
    name: 'scripted',
    get nextAt() {
      return steps[next]?.[0] ?? Infinity;
    },
    act: () => steps[next++]?.[1] ?? 0,
  };
}
const requests = (...each: readonly (readonly [arrival: number, serviceTime: number])[]): RunInput['requests'] => ({
  arrivals: Float64Array.from(each, ([arrival]) => arrival),
  serviceTimes: Float64Array.from(each, ([, serviceTime]) => serviceTime),
});
function outcome(rest: Partial<RunInput>) {
  const run = startRun({
    requests: requests(),
    service,
    lengthSeconds: 600,
    replicas: 1,
    autoscaler: scripted(),
    seed: 1,
    ...rest,
  });
  expect(run.advance(Infinity)).toBe(true);
  return run.outcome();
}

describe('startRun()', () => {
  test('serves as many at a time as there are slots, and lets the others wait their turn', () => {
    // Two of 10 s, then two that start at 10 s; the last of them takes 10 + 16 s and is late.
    const seen = outcome({ requests: requests([0, 10], [0, 10], [0, 10], [0, 16]) });
    expect(seen).toMatchObject({ requests: 4, overRatio: 0.25, longestQueue: 2, givenUpRatio: 0 });
  });

  test('slows requests down that begin while what they share is full', () => {
    // Of four at once on two Pods a dependency for two lets each of the last two take (3/2 and 4/2) × 10 s: 15 and 20.
    const dependency = { slots: 2, power: 1 };
    const each = requests([0, 10], [0, 10], [0, 10], [0, 10]);
    const seen = (objectiveSeconds: number) =>
      outcome({ requests: each, replicas: 2, service: { ...service, objectiveSeconds, dependency } }).overRatio;
    expect([9, 14, 16, 21].map(seen)).toEqual([1, 0.5, 0.25, 0]);
  });

  test('counts one that has waited a minute as given up, and uses no slot for it', () => {
    // The fourth would start at 61; the fifth comes later and starts then.
    const seen = outcome({ requests: requests([0, 61], [0, 61], [0, 1], [50, 1]) });
    expect(seen).toMatchObject({ givenUpRatio: 0.25, overRatio: 0.75 });
  });

  test('uses a new Pod once it has started, within a tenth of what that takes', () => {
    const burst = requests([0, 100], [0, 100], [1, 1], [1, 1]);
    const at = (startUpSeconds: number) =>
      outcome({ requests: burst, service: { ...service, startUpSeconds }, autoscaler: scripted([0.5, 2]) }).overRatio;
    expect([at(20), at(30)]).toEqual([0.5, 1]); // 1 s of work after 18–22 s, or after 27–33 s
  });

  test('lets a Pod that is taken away end what it has, and costs until then', () => {
    const twoPods = { replicas: 2, requests: requests([0, 100], [0, 100]), lengthSeconds: 3600 };
    const stays = outcome(twoPods);
    const goes = outcome({ ...twoPods, autoscaler: scripted([10, 1]) });
    expect(stays.replicaHours).toBe(2);
    expect(goes.replicaHours).toBeCloseTo(1 + 100 / 3600, 9);
    expect(goes.changes).toBe(1);
    expect(goes.decisions).toEqual([
      [0, 2],
      [10, 1],
    ]);
  });

  test('takes away first what has not started yet', () => {
    const seen = outcome({
      replicas: 1,
      requests: requests([11, 20]), // 25 s is the objective: it cannot wait for a Pod that starts
      autoscaler: scripted([0, 3], [10, 1]),
      lengthSeconds: 3600,
    });
    expect(seen.replicaHours).toBeCloseTo(1 + 20 / 3600, 9);
    expect(seen.overRatio).toBe(0);
  });

  test('gives no request to a Pod that drains', () => {
    // The Pod that is taken away has a free slot; the other one has too, until the third request.
    const input = { replicas: 2, autoscaler: scripted([5, 1]) };
    const seen = outcome({ ...input, requests: requests([0, 30], [0, 30], [10, 30]) });
    expect(seen.longestQueue).toBe(0);
    const full = outcome({
      ...input,
      autoscaler: scripted([5, 1]),
      requests: requests([0, 30], [0, 30], [10, 30], [11, 1]),
    });
    expect(full.longestQueue).toBe(1);
    // What waits is not begun by the Pod that drains when its last request ends at 20 s: it is given up.
    const waiting = outcome({
      ...input,
      autoscaler: scripted([5, 1]),
      requests: requests([0, 100], [0, 20], [10, 100], [11, 1]),
    });
    expect(waiting.givenUpRatio).toBe(0.25);
  });

  test('judges windows of five minutes with at least twenty requests', () => {
    const many = Array.from({ length: 20 }, (_, index) => [index, index < 2 ? 26 : 1] as const);
    const few = Array.from({ length: 19 }, (_, index) => [300 + index, 26] as const);
    const seen = outcome({ replicas: 10, service: { ...service, slots: 5 }, requests: requests(...many, ...few) });
    expect(seen.windowsOverRatio).toBe(1); // 2 of 20 are 10 %; the second window says nothing
  });

  test('is the same for the same seed, however far it goes at a time', () => {
    const trace = { stepSeconds: 15, counts: Float64Array.from({ length: 40 }, (_, step) => (step % 7) + 1) };
    const input = { requests: drawRequests(trace, service, 7), autoscaler: scripted([100, 6]) };
    const whole = outcome(input);
    const run = startRun({
      ...input,
      autoscaler: scripted([100, 6]),
      service,
      lengthSeconds: 600,
      replicas: 1,
      seed: 1,
    });
    for (let until = 10; !run.advance(until); until += 10);
    expect(run.outcome()).toEqual(whole);
  });
});

describe('drawRequests()', () => {
  const trace = { stepSeconds: 10, counts: Float64Array.of(20_000, 0, 10_000) };
  const { arrivals, serviceTimes } = drawRequests(trace, { serviceSeconds: 8, serviceCv: 0.6 }, 1);

  test('has the arrivals of each step within it, in order', () => {
    expect(arrivals.length).toBe(30_000);
    expect(arrivals.filter((at) => at < 10).length).toBe(20_000);
    expect(arrivals.filter((at) => at >= 20 && at < 30).length).toBe(10_000);
    expect(arrivals.every((at, index) => index === 0 || at >= (arrivals[index - 1] ?? 0))).toBe(true);
  });

  test('has service times of the mean and the spread that were asked for', () => {
    const mean = serviceTimes.reduce((sum, value) => sum + value, 0) / serviceTimes.length;
    const variance = serviceTimes.reduce((sum, value) => sum + (value - mean) ** 2, 0) / serviceTimes.length;
    expect(mean).toBeCloseTo(8, 0);
    expect(Math.sqrt(variance) / mean).toBeCloseTo(0.6, 1);
  });
});

test('random() is even, and the same for the same seed', () => {
  const [a, b, other] = [random(5), random(5), random(6)];
  const drawn = Array.from({ length: 10_000 }, a);
  expect(Array.from({ length: 10_000 }, b)).toEqual(drawn);
  expect(other()).not.toBe(drawn[0]);
  expect(drawn.reduce((sum, value) => sum + value, 0) / drawn.length).toBeCloseTo(0.5, 1);
  expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
});

test('a run begins with what keeps the first minute at 70 %, within the bounds', () => {
  const counts = (perStep: number) => ({ stepSeconds: 15, counts: new Float64Array(8).fill(perStep) });
  expect(replicasAtStart(counts(6), service)).toBe(3); // 0.4/s × 10 s = 4 slots; 4 / 1.4 = 2.9
  expect(replicasAtStart(counts(0), service)).toBe(1);
  expect(replicasAtStart(counts(600), service)).toBe(10);
  expect(createFleet(3, { startUpSeconds: 30, maxReplicas: 10, uniform: random(1) }).ready).toBe(3);
});
