import type { WeightsPolicy } from '../../../operator/decide/weights.ts';

export const adaptive: WeightsPolicy = {
  mode: 'Adaptive',
  min: 1,
  max: 100,
  intervalMs: 30_000,
  minRequests: 10,
  deadBandPercent: 10,
  maxStepPercent: 30,
  followBelowPercent: 60,
  equalAbovePercent: 90,
  slowStartMs: 90_000,
  slowStartFromPercent: 30,
  staleAfterMs: 180_000,
  errorPenalty: 1,
};
