import type { Problem } from '../api/problem.ts';
import { rfc3339 } from '../api/rfc3339.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { FloorLook, FloorLooks } from '../decide/floor-look.ts';
import type { LastWords } from './last-words.ts';

type DecisionStatus = NonNullable<NonNullable<GenerationServiceStatus['components']>[number]['decision']>;

/** The scaler's last word on a service: for the status that the GenerationService reconciler writes, and for who shows figures. */
export interface ScalerReport {
  /** Why a floor could not be moved; undefined when nothing stood in the way. */
  readonly problem: Problem | undefined;
  /** By component, with all that they were made from. */
  readonly looks: ReadonlyMap<string, FloorLooks>;
}

export type Decisions = LastWords<ScalerReport>;

export const decisionStatus = ({ action, from, to, reason, message, at, nextAt }: FloorLook): DecisionStatus => ({
  action,
  from,
  to,
  reason,
  message,
  time: rfc3339(at),
  ...(nextAt === undefined ? {} : { nextEligibleTime: rfc3339(nextAt) }),
});
