import type { NginxWeights } from '../levers/lever.ts';
import type { Observation } from '../levers/run.ts';

/** What the nginx of a service said of the weights of its Pods at this visit. */
export const podWeights = (observations: readonly Observation[]): readonly NginxWeights[] =>
  observations.flatMap(({ lever, seen }) =>
    seen.kind === 'seen' && seen.value !== undefined ? (lever.weightsOf?.(seen.value) ?? []) : [],
  );
