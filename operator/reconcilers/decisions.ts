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

/** What one reconciler tells another of each service. Lives as long as the process: after a restart status itself still has what was decided. */
export interface LastWords<Word> {
  of(key: Key): Word | undefined;
  put(key: Key, word: Word): void;
  forget(key: Key): void;
}

export type Decisions = LastWords<ScalerReport>;

export function createLastWords<Word>(): LastWords<Word> {
  const reports = new Map<Key, Word>();
  return {
    of: (key) => reports.get(key),
    put: (key, report) => void reports.set(key, report),
    forget: (key) => void reports.delete(key),
  };
}
