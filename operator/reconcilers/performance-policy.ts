import { withCondition, type NewCondition } from '../api/conditions.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import { effectivePolicy } from '../decide/effective-policy.ts';
import type { Kube } from '../kube/client.ts';
import { awaitChange, type Reconcile } from '../kube/loop.ts';
import { hashOf, type OwnWrites } from '../kube/own-writes.ts';
import { managers } from '../levers/apply-owned.ts';
import type { Caches } from './caches.ts';
import { performancePolicies } from './kinds.ts';

export interface PerformancePolicyDeps {
  readonly caches: Pick<Caches, 'policies' | 'services'>;
  readonly kube: Kube;
  readonly written: OwnWrites;
  readonly clock: { now(): number };
}

/** Says of a policy whether it is valid by itself and how many services refer to it. */
export function performancePolicy({ caches, kube, written, clock }: PerformancePolicyDeps): Reconcile {
  return async (key, signal) => {
    const policy = caches.policies.get(key);
    if (policy === undefined) return awaitChange;
    const { namespace, name, generation } = policy.metadata;
    const conditions = withCondition(
      policy.status?.conditions ?? [],
      { ...accepted(policy), observedGeneration: generation },
      new Date(clock.now()),
    );
    const status = { observedGeneration: generation, services: caches.services.by('policy', key).length, conditions };
    const hash = hashOf(status);
    if (hash === hashOf(policy.status ?? {}) || written.covers(key, hash)) return awaitChange;
    const options = { manager: managers.declared, force: true, subresource: 'status' };
    written.remember(
      key,
      hash,
      await kube.apply(performancePolicies, { metadata: { namespace, name }, status }, options, signal),
    );
    return awaitChange;
  };
}

function accepted({
  metadata: { name },
  spec,
}: PerformancePolicy): Omit<NewCondition<'Accepted'>, 'observedGeneration'> {
  const { problems } = effectivePolicy({ policy: { name, spec: spec ?? {} } });
  if (problems.length === 0)
    return {
      type: 'Accepted',
      status: 'True',
      reason: 'Valid',
      message: 'Every field is valid, and they fit together.',
    };
  const message = problems
    .map(({ field, saw, wanted, example }) => `${field}: saw ${saw}; wanted ${wanted}, for example ${example}`)
    .join(' | ');
  return { type: 'Accepted', status: 'False', reason: 'Invalid', message };
}
