import type { Problem } from '../api/problem.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { Key } from '../kube/object.ts';

export type DecisionStatus = NonNullable<NonNullable<GenerationServiceStatus['components']>[number]['decision']>;

/** The scaler's last word on a service, for the status that the GenerationService reconciler writes. */
export interface ScalerReport {
  /** Why a floor could not be moved; undefined when nothing stood in the way. */
  readonly problem: Problem | undefined;
  /** By component, the last decision of this process that changed something. */
  readonly decisions: ReadonlyMap<string, DecisionStatus>;
}

/** Lives as long as the process: after a restart status itself still has the last decision. */
export interface Decisions {
  of(key: Key): ScalerReport | undefined;
  put(key: Key, report: ScalerReport): void;
  forget(key: Key): void;
}

export function createDecisions(): Decisions {
  const reports = new Map<Key, ScalerReport>();
  return {
    of: (key) => reports.get(key),
    put: (key, report) => void reports.set(key, report),
    forget: (key) => void reports.delete(key),
  };
}
