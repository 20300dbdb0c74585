import type { LookaheadSettings } from '../../../../operator/decide/lookahead/memory.ts';

/** A workflow of 8 s that is to take 30 s at most, five at a time in a Pod. */
export const settings: LookaheadSettings = {
  periodSeconds: 10,
  minReplicas: 2,
  maxReplicas: 20,
  slotsPerReplica: 5,
  learnsSlots: false,
  objectiveSeconds: 30,
  serviceCv: 0.6,
  expectedServiceSeconds: 8,
  confidence: 0.8,
  horizonSeconds: 300,
};
