import { Problem } from '../api/problem.ts';
import type { FieldConflict } from '../kube/api-error.ts';

interface Conflicted {
  readonly kind: string;
  /** `ai/generation-workflow-hpa` */
  readonly key: string;
  readonly held: readonly FieldConflict[];
  /** Ours, that a field can be handed over to. */
  readonly manager: string;
  /** What the API server answered; absent where it was not asked. */
  readonly cause?: unknown;
}

/** What comes of deleting one of ours. */
const anew: Readonly<Record<string, string>> = {
  HorizontalPodAutoscaler: 'where horizontal.mode is Enforce it is made anew, with the floor in force',
  VerticalPodAutoscaler: 'where vertical.mode is not Off it is made anew',
};

/** Fields that we would set and somebody else has, in the words that the API server's own refusal is told with. */
export function fieldConflict({ kind, key, held, manager, cause }: Conflicted): Problem {
  const object = `${kind} ${key}`;
  const remedy = anew[kind];
  const fields = held.map(({ manager: other, field }) => `${field} (${other})`).join(', ');
  return new Problem('Conflict', {
    saw: `other field managers on ${object}: ${fields}`,
    wanted: 'these fields to be ours or nobody’s',
    next: `hand them over (kubectl patch --field-manager=${manager} with the policy’s values; set by anybody else they conflict again with its next change)${remedy === undefined ? '' : `, or delete ${object}: ${remedy}`}; a value of your own belongs into the policy or spec.overrides`,
    cause,
  });
}
