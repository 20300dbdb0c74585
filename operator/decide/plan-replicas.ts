import type { EffectivePolicy } from './effective-policy.ts';
import { decideFloor, heldBack, type AskedFloor, type FloorDecision } from './floor.ts';
import type { Resolved, ScaleTarget } from './resolve.ts';

export interface PlanReplicasInput {
  readonly resolved: Pick<Resolved, 'mode'>;
  readonly component: {
    readonly policy: Pick<EffectivePolicy, 'horizontal'>;
    readonly target: Pick<ScaleTarget, 'replicas'>;
  };
  /** Names of the autoscalers of others that aim at the target. */
  readonly rivals: readonly string[];
  /** `namespace/name` of the HPA that we made for it, or took over, before the mode was Off. */
  readonly own?: string | undefined;
  readonly asked: AskedFloor;
  /** What the scaler asks for is said and not done. */
  readonly isOnlyTold: boolean;
  readonly now: number;
}

export interface ReplicasPlan {
  readonly decision: FloorDecision;
  /** Undefined: they are as many as they should be, or nothing may be moved. */
  readonly change: { readonly from: number; readonly to: number } | undefined;
  /** The service is not held back. */
  readonly isEnforced: boolean;
  /** An autoscaler moves them: somebody else's, or ours that horizontal.mode Off leaves as it stands. */
  readonly standing: Standing | undefined;
}

interface Standing {
  readonly reason: 'Conflict' | 'Off';
  readonly saw: string;
  readonly wanted: string;
  readonly next: string;
}

/**
 * The replicas of a component without an HPA (horizontal.mode Off), as its scaler asks for them.
 *
 * @returns undefined where somebody has scaled it to zero: that is where it stays.
 */
export function planReplicas(input: PlanReplicasInput): ReplicasPlan | undefined {
  const { resolved, component, rivals, own, asked, isOnlyTold, now } = input;
  const { minReplicas, maxReplicas, behavior } = component.policy.horizontal;
  const { replicas } = component.target;
  if (replicas === 0) return undefined;
  const decision = decideFloor({
    minReplicas,
    maxReplicas,
    behavior,
    asked,
    now,
    floor: replicas,
    current: replicas,
    shadow: [],
    tolerance: { up: 0, down: 0 },
    memory: undefined,
  });
  const standing = rivals.length > 0 ? conflictWith(rivals) : own === undefined ? undefined : leftStanding(own);
  const heldBy = standing?.reason ?? (resolved.mode === 'Enforce' ? undefined : resolved.mode);
  const isEnforced = heldBy === undefined;
  if (isEnforced && !isOnlyTold && decision.action !== 'Hold')
    return { decision, change: { from: replicas, to: decision.to }, isEnforced, standing };
  return { decision: heldBack(decision, heldBy ?? 'DryRun'), change: undefined, isEnforced, standing };
}

const conflictWith = (rivals: readonly string[]): Standing => ({
  reason: 'Conflict',
  saw: `the autoscaler ${rivals.join(', ')}, which moves the same replicas`,
  wanted: 'to move them by the scaler alone, as horizontal.mode Off says',
  next: 'delete it, or set horizontal.mode: FloorOnly, which moves its floor',
});

const leftStanding = (own: string): Standing => ({
  reason: 'Off',
  saw: `HorizontalPodAutoscaler ${own} of before horizontal.mode was Off: it stays with its last bounds and moves the replicas, and nobody moves its floor`,
  wanted: 'to move them by the scaler alone',
  next: `kubectl delete hpa -n ${own.replace('/', ' ')}, or set horizontal.mode: Enforce`,
});
