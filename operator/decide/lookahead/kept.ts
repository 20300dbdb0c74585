import { calibrationOf, errorsOf, type Errors } from './calibration.ts';
import { littleNeed } from './learn.ts';
import {
  createLookaheadMemory,
  experts,
  newestOf,
  windowsKept,
  type Expert,
  type LookaheadMemory,
  type LookaheadSettings,
} from './memory.ts';
import { keepSlots } from './slots.ts';

/** What is kept of a memory over a restart: small enough to be written with each change of the floor. The load by the minute is not: a period is found anew. */
export interface KeptLookahead {
  /** Time that slots were busy, and requests that finished; newer ones count more. */
  readonly service: readonly [busySeconds: number, finished: number];
  /** Of the last 20 minutes, oldest first. */
  readonly needs: readonly number[];
  readonly wants: readonly number[];
  /** Absent: nothing was seen of them. */
  readonly slots?: readonly number[];
  readonly experts: Readonly<
    Record<Expert, { readonly errors: Errors; readonly loss: readonly [sum: number, weight: number, covered: number] }>
  >;
}

const keptSeconds = 1_200;
const short = (value: number): number => Number(value.toPrecision(4));

export function keepLookahead(memory: LookaheadMemory, { periodSeconds }: LookaheadSettings): KeptLookahead {
  const count = Math.min(memory.window, Math.round(keptSeconds / periodSeconds));
  const last = (ring: Float64Array): readonly number[] => newestOf(ring, memory, count).map(short);
  const kept = experts.map((expert) => {
    const { calibration, lossSum, lossWeight, coveredSum } = memory.records[expert];
    return [expert, { errors: errorsOf(calibration), loss: [lossSum, lossWeight, coveredSum].map(short) }] as const;
  });
  return {
    service: [short(memory.slow.busySeconds), short(memory.slow.finished)],
    needs: last(memory.needs),
    wants: last(memory.wants),
    ...(memory.slotsSeen.busy.length > 0 && { slots: memory.slotsSeen.busy.map(short) }),
    experts: Object.fromEntries(kept) as unknown as KeptLookahead['experts'],
  };
}

/** A memory that goes on with what was kept; undefined: it is not what `keepLookahead` writes. Nothing is lowered before a whole down window was seen. */
export function resumeLookahead(kept: unknown, settings: LookaheadSettings): LookaheadMemory | undefined {
  if (!isSound(kept)) return undefined;
  const memory = createLookaheadMemory(settings);
  const count = Math.min(kept.needs.length, kept.wants.length, Math.round(keptSeconds / settings.periodSeconds));
  for (let window = 0; window < count; window++) {
    const need = kept.needs.at(window - count) ?? 0;
    memory.demands[window] = need;
    memory.needs[window] = need;
    memory.wants[window] = kept.wants.at(window - count) ?? 0;
  }
  memory.window = count;
  memory.soundSince = count;
  memory.loadSince = loadSinceOf(memory.needs.subarray(0, count));
  [memory.slow.busySeconds, memory.slow.finished] = kept.service;
  keepSlots(memory.slotsSeen, kept.slots ?? []);
  for (const expert of experts) {
    const record = memory.records[expert];
    const { errors, loss } = kept.experts[expert];
    const calibration = calibrationOf(errors);
    if (calibration === undefined) continue;
    Object.assign(record.calibration, calibration);
    [record.lossSum, record.lossWeight, record.coveredSum] = loss;
  }
  return memory;
}

/**
 * The memory for other settings. It is the same one unless windows become longer or shorter, or more of them are looked back over:
 * then it goes on as after a restart, and with the load by the minute.
 */
export function moveLookahead(
  memory: LookaheadMemory,
  before: LookaheadSettings,
  settings: LookaheadSettings,
): LookaheadMemory {
  if (before.periodSeconds === settings.periodSeconds && memory.size === windowsKept(settings)) return memory;
  const moved = resumeLookahead(keepLookahead(memory, before), settings) ?? createLookaheadMemory(settings);
  return { ...moved, cycle: memory.cycle };
}

/** The window in which load began, after nothing but silence, and has not ended since. Where there was load before all that is kept, it is held for minutes that it did not have to be. */
function loadSinceOf(needs: Float64Array): number | undefined {
  const first = needs.findIndex((need) => need >= littleNeed);
  const stays = needs.subarray(Math.max(0, first)).every((need) => need >= littleNeed);
  return first > 0 && stays ? first : undefined;
}

const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'number' && Number.isFinite(each) && each >= 0);

function isSound(kept: unknown): kept is KeptLookahead {
  const { service, needs, wants, slots = [], experts: by } = (kept ?? {}) as Partial<KeptLookahead>;
  return (
    [service, needs, wants, slots].every(isNumbers) &&
    service?.length === 2 &&
    experts.every((expert) => {
      const { errors, loss } = by?.[expert] ?? {};
      return isNumbers(loss) && loss.length === 3 && Array.isArray(errors) && errors.every(isNumbers);
    })
  );
}
