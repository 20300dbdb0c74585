import type { FloorDecision, FloorHold, FloorRefusal } from './floor.ts';

/** A look at a floor, also one that moved nothing. */
export interface FloorLook extends Omit<FloorDecision, 'memory'> {
  /** ms since the epoch. */
  readonly at: number;
  /** ms since the epoch: the first moment at which the floor may move on. Undefined: not before something else is changed. */
  readonly nextAt: number | undefined;
}

/** What is known of one floor. */
export interface FloorLooks {
  readonly newest: FloorLook;
  /** Undefined: none since this process began. */
  readonly lastMove: FloorLook | undefined;
}

export interface FloorLookInput {
  readonly decision: FloorDecision;
  readonly refusal: FloorRefusal | undefined;
  /** ms to the next look by the clock; undefined: it is looked at when something changes. */
  readonly intervalMs: number | undefined;
  readonly now: number;
}

export function floorLook({ decision, refusal, intervalMs = 0, now }: FloorLookInput): FloorLook {
  const { memory: _, ...told } = decision;
  const look = refusal === undefined ? told : { ...told, heldBy: refusal, heldUntil: undefined };
  return { ...look, at: now, nextAt: nextAt(look, now + intervalMs) };
}

/** The reason of the problem that it met. */
export const refusalOf = ({ reason }: { readonly reason: string }): FloorRefusal =>
  reason === 'Off' || reason === 'Conflict' || reason === 'PermissionDenied' ? reason : 'Failed';

/** What has to come for each to end: time, another look at the load, or a hand. */
const endOf: Readonly<Record<FloorHold, 'time' | 'look' | 'hand'>> = {
  ScaleUpStabilization: 'time',
  ScaleDownStabilization: 'time',
  ScaleUpRate: 'time',
  ScaleDownRate: 'time',
  MinReplicas: 'look',
  MaxReplicas: 'look',
  MetricsStale: 'look',
  Cooldown: 'time',
  ErrorsHigh: 'look',
  WarmingUp: 'look',
  RollingOut: 'look',
  DownWindow: 'time',
  Saturated: 'look',
  DryRun: 'hand',
  Paused: 'hand',
  Off: 'hand',
  Conflict: 'hand',
  PermissionDenied: 'hand',
  Failed: 'hand',
};

function nextAt({ heldBy, heldUntil }: Omit<FloorDecision, 'memory'>, nextLook: number): number | undefined {
  const end = heldBy === undefined ? 'look' : endOf[heldBy];
  return end === 'look' ? Math.max(nextLook, heldUntil ?? 0) : end === 'time' ? heldUntil : undefined;
}
