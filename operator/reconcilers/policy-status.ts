import { withCondition, type Condition, type Finding, type NewCondition } from '../api/conditions.ts';
import { problemText } from '../api/field-problem.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import { effectivePolicy } from '../decide/effective-policy.ts';

type PolicyStatus = NonNullable<PerformancePolicy['status']>;

/** The whole status of a policy that so many services refer to. Equal input gives equal bytes, so that what did not change is not written. */
export function renderPolicyStatus(policy: PerformancePolicy, services: number, now: Date): PolicyStatus {
  const { generation: observedGeneration } = policy.metadata;
  const findings = judged(policy);
  const previous = policy.status?.conditions ?? [];
  const conditions = findings.reduce<readonly Condition[]>(
    (all, finding) => withCondition(all, { ...finding, observedGeneration } as NewCondition, now), // `type` and `reason` fit together in each
    previous.filter(({ type }) => findings.some((finding) => finding.type === type)),
  );
  return { observedGeneration, services, conditions: [...conditions] };
}

/** Accepted for people, Stalled for kstatus. */
function judged(policy: PerformancePolicy): readonly Finding<'Accepted' | 'Stalled'>[] {
  const { type, status, reason, message } = accepted(policy);
  return status === 'True'
    ? [{ type, status, reason, message }]
    : [
        { type, status, reason, message },
        { type: 'Stalled', status: 'True', reason, message },
      ];
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
