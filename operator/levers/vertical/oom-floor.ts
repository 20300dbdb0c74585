import { quantity } from '../../api/quantity.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { UnitMemory } from '../lever.ts';
import { measuredKillIn, oomHeldMs, type PodsSeen } from '../oom-kill.ts';

/** The least memory that the VPA may give for a day, since a Pod was killed with less. */
export interface OomFloor {
  /** ms since the epoch; of the newest kill. */
  readonly killedAt: number;
  readonly mebibytes: number;
}

/** `memory`: what was remembered of the kills before. */
interface Moment extends PodsSeen {
  readonly memory: UnitMemory | undefined;
}

/** As the recommender of the VPA answers a kill: a fifth more. */
const above = 1.2;

/** By the limit that was in force when the kill was first seen, and by none if there was none: what the Pod gets afterwards raises nothing. */
export function oomFloorOf({ memory, ...seen }: Moment): OomFloor | undefined {
  const before = remembered(memory, seen.now);
  const { at, memoryLimit } = measuredKillIn(seen) ?? {};
  if (at === undefined || at <= (before?.killedAt ?? -Infinity)) return before;
  const mebibytes = Math.ceil((above * (memoryLimit ?? 0)) / 2 ** 20);
  return { killedAt: at, mebibytes: Math.max(mebibytes, before?.mebibytes ?? 0) };
}

function remembered(memory: UnitMemory | undefined, now: number): OomFloor | undefined {
  const [killedAt, mebibytes] = ['oomKilledAt', 'oomFloorMebibytes'].map((key) =>
    Number(memory?.applied?.[key] ?? NaN),
  );
  if (killedAt === undefined || mebibytes === undefined || !(now - killedAt <= oomHeldMs)) return undefined;
  return { killedAt, mebibytes };
}

/** The memory with the floor that holds now, and without one that is over. */
export function withOomFloor({ applied: _, ...rest }: UnitMemory, floor: OomFloor | undefined): UnitMemory {
  if (floor === undefined) return rest;
  const { killedAt, mebibytes } = floor;
  return { ...rest, applied: { oomKilledAt: String(killedAt), oomFloorMebibytes: String(mebibytes) } };
}

type Policy = EffectivePolicy['vertical'];

/** With minAllowed.memory at the floor, as far as maxAllowed lets it. */
export function flooredBy(floor: OomFloor | undefined, policy: Policy): Policy {
  const { minAllowed, maxAllowed } = policy;
  if (floor === undefined || floor.mebibytes * 2 ** 20 <= quantity(minAllowed.memory)) return policy;
  const isBelowMost = floor.mebibytes * 2 ** 20 < quantity(maxAllowed.memory);
  const memory = isBelowMost ? `${floor.mebibytes}Mi` : maxAllowed.memory;
  return { ...policy, minAllowed: { ...minAllowed, memory } };
}

/** For the end of a sentence about the VPA; empty where the policy asks for as much itself. */
export function flooredText(floor: OomFloor | undefined, policy: Policy): string {
  const { memory } = flooredBy(floor, policy).minAllowed;
  if (floor === undefined || memory === policy.minAllowed.memory) return '';
  const [at, until] = [floor.killedAt, floor.killedAt + oomHeldMs].map((ms) => new Date(ms).toISOString().slice(0, 16));
  return `; with at least ${memory} of memory until ${until}Z, as a Pod was killed for its memory at ${at}Z`;
}
