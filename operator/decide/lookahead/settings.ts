import { seconds } from '../../api/duration.ts';
import type { EffectivePolicy } from '../effective-policy.ts';
import type { LookaheadSettings } from './memory.ts';

/** What a policy says that is decided by; how long a window is, and the slots of a replica, are said by more than that. */
export function lookaheadSettings(
  { horizontal, objectives, scaler }: EffectivePolicy,
  known: Pick<LookaheadSettings, 'periodSeconds' | 'slotsPerReplica' | 'learnsSlots'>,
): LookaheadSettings {
  const { horizon, coverPercent, serviceVariationPercent } = scaler.lookahead;
  const objectiveSeconds = seconds(objectives.workflowDuration.target);
  return {
    ...known,
    minReplicas: horizontal.minReplicas,
    maxReplicas: horizontal.maxReplicas,
    objectiveSeconds,
    serviceCv: serviceVariationPercent / 100,
    expectedServiceSeconds: objectiveSeconds / 4,
    confidence: coverPercent / 100,
    horizonSeconds: seconds(horizon),
  };
}
