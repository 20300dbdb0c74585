import { isDeepStrictEqual } from 'node:util';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import type { Kube } from '../kube/client.ts';
import { awaitChange, requeueAfter, type Reconcile } from '../kube/loop.ts';
import type { KubeObject } from '../kube/object.ts';
import { managers } from '../levers/apply-owned.ts';
import type { Caches } from './caches.ts';
import { performancePolicies } from './kinds.ts';
import { renderPolicyStatus } from './policy-status.ts';
import type { StatusWrites } from './status-writes.ts';

export interface PerformancePolicyDeps {
  readonly caches: Pick<Caches, 'policies' | 'services'>;
  readonly kube: Kube;
  readonly statuses: StatusWrites<PerformancePolicy & KubeObject>;
  readonly clock: { now(): number };
}

/** Services of its namespace are listed last, and where that may not be done none is counted. */
const unlistedMs = 10_000;

/** Says of a policy whether it is valid by itself and how many services refer to it. */
export function performancePolicy({ caches, kube, statuses, clock }: PerformancePolicyDeps): Reconcile {
  return async (key, signal) => {
    const cached = caches.policies.get(key);
    if (cached === undefined) return awaitChange;
    if (caches.services.unlisted().includes(cached.metadata.namespace)) return requeueAfter(unlistedMs);
    const policy = statuses.latest(cached);
    const services = caches.services.by('policy', key).length;
    const status = renderPolicyStatus(policy, services, new Date(clock.now()));
    if (isDeepStrictEqual(status, policy.status ?? {})) return awaitChange;
    const { namespace, name } = policy.metadata;
    const options = { manager: managers.declared, force: true, subresource: 'status' };
    const written = await kube.apply(performancePolicies, { metadata: { namespace, name }, status }, options, signal);
    statuses.remember(key, status, written);
    return awaitChange;
  };
}
