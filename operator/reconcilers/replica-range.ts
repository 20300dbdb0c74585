import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { targetKey } from '../levers/horizontal/hpa.ts';
import type { Caches } from './caches.ts';
import { hasScaler } from './scaler-algorithm.ts';

/** How many Pods of a component there may be. */
export interface ReplicaRange {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** How many there may be is ours to say. */
  readonly isOurs: boolean;
}

export function replicaRange(
  resolved: Resolved,
  component: ResolvedComponent,
  { hpas }: { readonly hpas: Pick<Caches['hpas'], 'by'> },
): ReplicaRange {
  const { spec, policy, target } = component;
  const { horizontal } = policy;
  const { namespace } = resolved.service.metadata;
  const found = hpas.by('target', targetKey(namespace, spec.targetRef)).map((hpa) => hpa.spec.maxReplicas);
  const isDirect = found.length === 0 && isMovedDirectly(resolved, component);
  const isOurs = horizontal.mode === 'Enforce' || isDirect;
  const most = isOurs ? [horizontal.maxReplicas] : found;
  return { isOurs, minReplicas: horizontal.minReplicas, maxReplicas: Math.max(target.replicas, ...most) };
}

/** By the scaler alone, without an HPA. */
export const isMovedDirectly = (resolved: Resolved, component: ResolvedComponent): boolean =>
  component.policy.horizontal.mode === 'Off' &&
  component.policy.scaler.mode === 'Enforce' &&
  hasScaler(resolved, component);
