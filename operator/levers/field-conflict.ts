import { Problem } from '../api/problem.ts';
import type { FieldConflict } from '../kube/api-error.ts';

interface Conflicted {
  /** `HorizontalPodAutoscaler ai/generation-workflow-hpa` */
  readonly object: string;
  readonly held: readonly FieldConflict[];
  /** Ours, that a field can be handed over to. */
  readonly manager: string;
  /** What the API server answered; absent where it was not asked. */
  readonly cause?: unknown;
}

/** Fields that we would set and somebody else has, in the words that the API server's own refusal is told with. */
export function fieldConflict({ object, held, manager, cause }: Conflicted): Problem {
  const fields = held.map(({ manager: other, field }) => `${field} (${other})`).join(', ');
  return new Problem('Conflict', {
    saw: `other field managers on ${object}: ${fields}`,
    wanted: 'these fields to be ours or nobody’s',
    next: `hand them over (kubectl patch --field-manager=${manager} with the policy’s values; set by anybody else they conflict again with its next change), or delete ${object}: where horizontal.mode is Enforce it is made anew, with the floor in force; a value of your own belongs into the policy or spec.overrides`,
    cause,
  });
}
