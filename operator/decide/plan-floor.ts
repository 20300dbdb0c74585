import { quantity } from '../api/quantity.ts';
import { decideFloor, heldBack, type FloorDecision, type FloorInput, type ShadowMetric } from './floor.ts';
import type { Tolerance } from './pods-metric.ts';
import type { EffectivePolicy } from './effective-policy.ts';
import type { Resolved, ScaleTarget } from './resolve.ts';

/** An autoscaler, as far as its floor goes. */
interface Autoscaler {
  readonly uid: string;
  readonly controller: { readonly uid: string } | undefined;
  readonly spec: { readonly minReplicas?: number; readonly maxReplicas: number };
}

/** A component, as far as its floor goes. */
interface Component {
  readonly policy: Pick<EffectivePolicy, 'horizontal'>;
  readonly target: Pick<ScaleTarget, 'replicas'>;
}

export interface PlanFloorInput<Hpa extends Autoscaler> extends Pick<
  FloorInput,
  'memory' | 'asked' | 'isRollingOut' | 'now'
> {
  readonly resolved: Pick<Resolved, 'mode'> & { readonly service: { readonly metadata: { readonly uid: string } } };
  readonly component: Component;
  /** All that aim at the component's target. */
  readonly hpas: readonly Hpa[];
  /** What stood in the autoscaler before we had it, of the service's state; undefined: nothing was written down. */
  readonly originals: Readonly<Record<string, string | null>> | undefined;
  readonly shadow: readonly ShadowMetric[];
  /** What the scaler asks for is said and not done. */
  readonly isOnlyTold?: boolean;
}

export interface FloorPlan<Hpa> {
  readonly decision: FloorDecision;
  /** Undefined: the floor is where it belongs, or nothing may be moved (DryRun, Paused). */
  readonly change: { readonly hpa: Hpa; readonly floor: number; readonly force: boolean } | undefined;
  /** Neither the service nor its horizontal part is held back. */
  readonly isEnforced: boolean;
}

/** The floor of a component's autoscaler. Undefined: there is none, or none whose floor is ours to move. */
export function planFloor<Hpa extends Autoscaler>(input: PlanFloorInput<Hpa>): FloorPlan<Hpa> | undefined {
  const { resolved, component, hpas, originals, shadow, asked, isRollingOut, isOnlyTold = false, memory, now } = input;
  const { mode, behavior } = component.policy.horizontal;
  const [hpa] = hpas;
  if (mode === 'Off' || hpa === undefined || hpas.length > 1) return undefined;
  const ownership = ownershipOf(hpa, input);
  if (ownership === 'theirs') return undefined;
  const floor = {
    ...boundsOf(component, hpa, originals),
    floor: hpa.spec.minReplicas,
    current: component.target.replicas,
    shadow,
    isRollingOut,
    behavior,
    tolerance: toleranceOf(component.policy.horizontal),
    memory,
    now,
  };
  const would = decideFloor({ ...floor, asked });
  const decision = isOnlyTold ? decideFloor(floor) : would;
  const heldBy = resolved.mode !== 'Enforce' ? resolved.mode : mode === 'DryRun' ? mode : undefined;
  const isEnforced = heldBy === undefined;
  if (isEnforced && decision.action !== 'Hold')
    return { decision, change: { hpa, floor: decision.to, force: ownership === 'given' }, isEnforced };
  return { decision: heldBack(would, heldBy ?? 'DryRun'), change: undefined, isEnforced };
}

/** `made` by us; `given` to us by mode FloorOnly or the annotation adopt, and what it was is remembered, so that its floor may be taken from whoever has it; else `theirs`. */
function ownershipOf(
  { controller, uid }: Autoscaler,
  { resolved: { service }, component: { policy }, originals }: Omit<PlanFloorInput<Autoscaler>, 'hpas'>,
): 'made' | 'given' | 'theirs' {
  if (controller?.uid === service.metadata.uid) return 'made';
  const isGiven = policy.horizontal.mode === 'FloorOnly' ? originals?.['floorOf'] === uid : originals?.['uid'] === uid;
  return isGiven ? 'given' : 'theirs';
}

/** The API server refuses a floor above the HPA's own maximum, which the horizontal lever may be about to raise. With FloorOnly the floor is only ever raised above what its owner wrote. */
function boundsOf(
  { policy: { horizontal } }: Component,
  { spec, uid }: Autoscaler,
  originals: PlanFloorInput<Autoscaler>['originals'],
): { minReplicas: number; maxReplicas: number } {
  const maxReplicas = Math.min(
    horizontal.mode === 'FloorOnly' ? spec.maxReplicas : horizontal.maxReplicas,
    spec.maxReplicas,
  );
  const lent = horizontal.mode === 'FloorOnly' && originals?.['floorOf'] === uid ? Number(originals['floor']) : 0;
  return { minReplicas: Math.min(Math.max(horizontal.minReplicas, lent), maxReplicas), maxReplicas };
}

/** The tolerance that the HPA controller has where the policy names none. */
const defaultTolerance = 0.1;
export function toleranceOf({
  behavior: { scaleUp, scaleDown },
}: Pick<EffectivePolicy['horizontal'], 'behavior'>): Tolerance {
  return {
    up: quantity(scaleUp.tolerance ?? defaultTolerance),
    down: quantity(scaleDown.tolerance ?? defaultTolerance),
  };
}
