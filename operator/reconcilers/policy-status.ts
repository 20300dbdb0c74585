import { withCondition, type Finding } from '../api/conditions.ts';
import { problemText } from '../api/field-problem.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import { effectivePolicy } from '../decide/effective-policy.ts';

type PolicyStatus = NonNullable<PerformancePolicy['status']>;

/** The whole status of a policy that so many services refer to. Equal input gives equal bytes, so that what did not change is not written. */
export function renderPolicyStatus(policy: PerformancePolicy, services: number, now: Date): PolicyStatus {
  const { generation } = policy.metadata;
  const conditions = withCondition(
    policy.status?.conditions ?? [],
    { ...accepted(policy), observedGeneration: generation },
    now,
  );
  return { observedGeneration: generation, services, conditions: [...conditions] };
}

function accepted({ metadata: { name }, spec }: PerformancePolicy): Finding<'Accepted'> {
  const { problems } = effectivePolicy({ policy: { name, spec: spec ?? {} } });
  if (problems.length === 0)
    return {
      type: 'Accepted',
      status: 'True',
      reason: 'Valid',
      message: 'Every field is valid, and they fit together.',
    };
  return { type: 'Accepted', status: 'False', reason: 'Invalid', message: problems.map(problemText).join(' | ') };
}
