import type { LookaheadMemory, LookaheadSettings, Sample } from './memory.ts';

/** How many slots of a Pod were busy, of the newest windows that say how many it has. */
export interface SlotsSeen {
  readonly busy: number[];
  /** Undefined: too few windows. */
  slots: number | undefined;
}

export const createSlotsSeen = (): SlotsSeen => ({ busy: [], slots: undefined });

const windowsKept = 60;
const leastWindows = 12;
/** Pods do not all have the same number of requests, and those that end leave a slot empty for a moment: the fullest windows count. */
const share = 0.95;
/** Busier than that of what is believed, and it is too little. */
const busier = 1.05;

/** Slots of a replica: those that are declared; else what was seen; else what is taken for usual. */
export const slotsOf = ({ slotsSeen }: Pick<LookaheadMemory, 'slotsSeen'>, settings: LookaheadSettings): number =>
  (settings.learnsSlots ? slotsSeen.slots : undefined) ?? settings.slotsPerReplica;

type SlotsSample = Pick<Sample, 'ready' | 'waiting' | 'isWaitingUnknown' | 'busySeconds'>;

/** Takes in one window. It tells where no Pod came or went, and requests waited from its beginning to its end: then all slots were busy; or where more were busy than are believed to be there, and none of those can have waited. */
export function noteSlots(
  { slotsSeen, throughputs: before }: Pick<LookaheadMemory, 'slotsSeen' | 'throughputs'>,
  { ready, waiting, isWaitingUnknown, busySeconds }: SlotsSample,
  { periodSeconds, slotsPerReplica }: Pick<LookaheadSettings, 'periodSeconds' | 'slotsPerReplica'>,
): void {
  if (ready === 0 || before.ready !== ready || busySeconds === 0) return;
  const busy = busySeconds / periodSeconds / ready;
  const isFull = waiting > 0 && before.waiting > 0;
  const isMore = isWaitingUnknown !== true && busy > busier * slotsPerReplica;
  if (!isFull && !isMore) return;
  keepSlots(slotsSeen, [...slotsSeen.busy, busy]);
}

/** Of windows, the newest last. */
export function keepSlots(seen: SlotsSeen, busy: readonly number[]): void {
  seen.busy.splice(0, Infinity, ...busy.slice(-windowsKept));
  if (seen.busy.length < leastWindows) return;
  const sorted = seen.busy.toSorted((a, b) => a - b);
  seen.slots = Math.max(1, Math.round(sorted[Math.floor(share * sorted.length)] ?? 0));
}
