import type { Problem } from '../api/problem.ts';
import { rfc3339 } from '../api/rfc3339.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { FloorLook, FloorLooks } from '../decide/floor-look.ts';
import type { LastWords } from './last-words.ts';

export type DecisionStatus = NonNullable<NonNullable<GenerationServiceStatus['components']>[number]['decision']>;

/** The scaler's last word on a service, for the status that the GenerationService reconciler writes. */
export interface ScalerReport {
  /** Why a floor could not be moved; undefined when nothing stood in the way. */
  readonly problem: Problem | undefined;
  /** By component, the last decision of this process that changed something. */
  readonly decisions: ReadonlyMap<string, DecisionStatus>;
}

export type Decisions = LastWords<ScalerReport>;

/** By component, with all that it was made from: for who shows figures. */
export type Looks = LastWords<ReadonlyMap<string, FloorLooks>>;

export const decisionStatus = ({ action, from, to, reason, message, at, nextAt }: FloorLook): DecisionStatus => ({
  action,
  from,
  to,
  reason,
  message,
  time: rfc3339(at),
  ...(nextAt === undefined ? {} : { nextEligibleTime: rfc3339(nextAt) }),
});
