import type { LeverPlan, UnitMemory } from '../lever.ts';
import type { HpaSpec, HpaView } from './hpa.ts';
import type { HorizontalChange } from './plan.ts';

type Originals = NonNullable<UnitMemory['originals']>;

/** The floor before it is moved; where the HPA was taken over before that, the floor that it had then. */
export function lentFrom({ uid, spec }: HpaView, memory: UnitMemory | undefined): Originals {
  const { uid: adopted, spec: saved } = memory?.originals ?? {};
  const before = adopted === uid && typeof saved === 'string' ? (JSON.parse(saved) as HpaSpec) : spec;
  return { floorOf: uid, floor: String(before.minReplicas ?? 1) };
}

/**
 * Gives the floor that mode FloorOnly had lent back to what it was, and forgets it when it is: a floor that somebody else has set since is theirs.
 * That of an HPA which was taken over whole stays ours with the rest of it.
 */
export function returnFloor(
  hpas: readonly HpaView[],
  memory: UnitMemory | undefined,
): Pick<LeverPlan<HorizontalChange>, 'changes' | 'remember'> {
  const { floorOf, floor, ...kept } = memory?.originals ?? {};
  if (floorOf === undefined || floorOf === kept['uid']) return { changes: [] };
  const hpa = hpas.find(({ uid }) => uid === floorOf);
  const change = hpa === undefined ? undefined : floorChange(hpa, Number(floor));
  return change === undefined ? { changes: [], remember: { ...memory, originals: kept } } : { changes: [change] };
}

function floorChange(hpa: HpaView, floor: number): HorizontalChange | undefined {
  const from = hpa.spec.minReplicas ?? 1;
  const isLent = hpa.isFloorOurs || hpa.controller?.kind === 'ScaledObject'; // there KEDA writes it for us
  if (!isLent || from === floor) return undefined;
  const differences = [{ field: 'spec.minReplicas', from: String(from), to: String(floor) }];
  return { kind: 'floor', cause: 'Declared', name: hpa.name, hpa, floor, differences };
}
