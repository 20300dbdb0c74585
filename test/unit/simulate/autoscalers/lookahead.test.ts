import { expect, test } from '@jest/globals';
import { createLookahead } from '../../../../operator/simulate/autoscalers/lookahead.ts';
import { createFleet } from '../../../../operator/simulate/fleet.ts';
import { random } from '../../../../operator/simulate/random.ts';

const fleet = createFleet(2, { startUpSeconds: 30, maxReplicas: 4, uniform: random(1) });
const counted = { arrived: 0, finished: 0, busySeconds: 0, systemSeconds: 0, responseSeconds: 0, waiting: 0 };

test.each([1, 2, 10])('samples and decides in turn, never back in time, every %d s', (periodSeconds) => {
  const settings = {
    periodSeconds,
    minReplicas: 1,
    maxReplicas: 4,
    slotsPerReplica: 2,
    learnsSlots: false,
    objectiveSeconds: 30,
    serviceCv: 0.6,
    expectedServiceSeconds: 8,
    confidence: 0.8,
    horizonSeconds: 300,
  };
  const scaler = createLookahead({ settings, startUpSeconds: 30 });
  const turns = Array.from({ length: 8 }, () => {
    const now = scaler.nextAt;
    scaler.act({ ...counted, now, slots: 2, fleet, busySecondsOf: () => 0 });
    return now;
  });
  expect(turns).toEqual(turns.toSorted((a, b) => a - b));
  expect(turns.filter((_, turn) => turn % 2 === 0)).toEqual([1, 2, 3, 4].map((period) => period * periodSeconds));
});
