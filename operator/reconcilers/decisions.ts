import type { Problem } from '../api/problem.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
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
