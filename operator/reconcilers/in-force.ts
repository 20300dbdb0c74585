import type { GenerationService } from '../api/generation-service.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import type { Resolution } from '../decide/resolve.ts';
import type { KubeObject } from '../kube/object.ts';
import type { LastWords } from './last-words.ts';
import { policyOf, resolveService, resolveWith, type ResolveDeps } from './visit.ts';

/** What a service was last accepted with. Lives in the leader: a new one does not know what the one before it had accepted. */
export type Accepted = LastWords<{
  readonly spec: GenerationService['spec'];
  readonly generation: number;
  readonly policy: (PerformancePolicy & KubeObject) | undefined;
}>;

/**
 * What a service is run by: what it declares, and while that is rejected what was accepted last, so that one typo in a policy that many share blinds and holds none of them.
 * The conditions are of what is declared. A service that was paused meanwhile is paused.
 */
export async function resolveInForce(
  service: GenerationService & KubeObject,
  deps: ResolveDeps & { readonly accepted: Accepted },
  signal: AbortSignal,
): Promise<Resolution> {
  const { accepted } = deps;
  const resolution = await resolveService(service, deps, signal);
  if (resolution.kind === 'resolved') {
    const { spec, metadata } = service;
    accepted.put(service, { spec, generation: metadata.generation ?? 0, policy: policyOf(service, deps.caches) });
    return resolution;
  }
  const last = accepted.of(service);
  if (last === undefined) return resolution;
  const spec = { ...last.spec, mode: service.spec.mode };
  const metadata = { ...service.metadata, generation: last.generation };
  const inForce = await resolveWith({ ...service, metadata, spec }, last.policy, deps, signal);
  return { ...inForce, conditions: resolution.conditions };
}
