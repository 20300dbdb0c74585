import { createCalibration, type Calibration } from './calibration.ts';
import { createCycle, type Cycle } from './cycle.ts';
import { createThroughputs, type Throughputs } from './saturation.ts';
import { createSlotsSeen, type SlotsSeen } from './slots.ts';

/** Ways to say what the load will be, in the order in which they are preferred before anything was learned. */
export const experts = ['trend', 'level', 'max5', 'max20', 'cycle'] as const;
export type Expert = (typeof experts)[number];

export interface LookaheadSettings {
  readonly periodSeconds: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Requests that one replica works on at a time. */
  readonly slotsPerReplica: number;
  /** Nobody has declared that: it is what is taken for usual until something else is seen. */
  readonly learnsSlots: boolean;
  /** Response time to be met. */
  readonly objectiveSeconds: number;
  /** Standard deviation of the service time by its mean. */
  readonly serviceCv: number;
  /** Until 50 requests have been finished. */
  readonly expectedServiceSeconds: number;
  /** Share of peaks that the upper forecast is to cover. */
  readonly confidence: number;
  /** How far ahead is planned at most. */
  readonly horizonSeconds: number;
}

/** What was measured in one period, of all Pods together. */
export interface Sample {
  readonly arrived: number;
  readonly finished: number;
  /** Time that slots were busy, summed up. */
  readonly busySeconds: number;
  /** Requests that wait for a slot now. */
  readonly waiting: number;
  /** Nobody says how many wait: of what seems to be worked on, some may. */
  readonly isWaitingUnknown?: true;
  /** Some Pods left out a part: there may be more of everything. */
  readonly isPartial?: true;
  /** Ready Pods, and replicas that are asked for. */
  readonly ready: number;
  readonly asked: number;
  /** From the creation of a Pod until it is Ready. */
  readonly startUpSeconds: number;
  /** Its Pods are being replaced: nothing is lowered. */
  readonly isRollingOut?: boolean | undefined;
}

/** An expert with what is known of it. Forecasts stand at their window. */
export interface Record {
  readonly forecasts: Float64Array;
  readonly uppers: Float64Array;
  readonly calibration: Calibration;
  /** Mean loss of its upper forecasts is lossSum / lossWeight; newer ones count more. */
  lossSum: number;
  lossWeight: number;
  /** Of the same forecasts: how many the load stayed below. */
  coveredSum: number;
}

/** Slot-seconds and finished requests, newer ones counting more. */
export interface ServiceTimes {
  busySeconds: number;
  finished: number;
}

/** What is learned. Changed in place by `learn` alone. Rings are as long as a power of two; a window's place is its number in them. */
export interface LookaheadMemory {
  readonly size: number;
  /** Number of the next window. */
  window: number;
  /** The first window since which none is missing. */
  soundSince: number;
  /** The window in which there was load again after twenty minutes of next to none; undefined: it has ended, or was always there. */
  loadSince: number | undefined;
  readonly demands: Float64Array;
  readonly needs: Float64Array;
  readonly wants: Float64Array;
  /** The window of the last 20 min with the greatest need; -1: not known. */
  peakAt: number;
  readonly slow: ServiceTimes;
  readonly quick: ServiceTimes;
  readonly records: { readonly [name in Expert]: Record };
  readonly cycle: Cycle;
  readonly throughputs: Throughputs;
  readonly slotsSeen: SlotsSeen;
}

/** Windows that the longest look back takes: 20 min of load, or three times the longest time after which one replica goes. */
export const windowsKept = ({ periodSeconds, horizonSeconds }: LookaheadSettings): number =>
  2 ** Math.ceil(Math.log2(Math.max(1200, 5 * horizonSeconds) / periodSeconds + 4));

/** The newest `count` windows of a ring, oldest first. */
export const newestOf = (
  ring: Float64Array,
  { size, window }: Pick<LookaheadMemory, 'size' | 'window'>,
  count: number,
): readonly number[] => Array.from({ length: count }, (_, index) => ring[(window - count + index) & (size - 1)] ?? 0);

export function createLookaheadMemory(settings: LookaheadSettings): LookaheadMemory {
  const size = windowsKept(settings);
  const ring = (): Float64Array => new Float64Array(size);
  const record = (): Record => ({
    forecasts: ring(),
    uppers: ring(),
    calibration: createCalibration(),
    lossSum: 0,
    lossWeight: 0,
    coveredSum: 0,
  });
  return {
    size,
    window: 0,
    soundSince: 0,
    loadSince: undefined,
    demands: ring(),
    needs: ring(),
    wants: ring(),
    peakAt: -1,
    slow: { busySeconds: 0, finished: 0 },
    quick: { busySeconds: 0, finished: 0 },
    records: { trend: record(), level: record(), max5: record(), max20: record(), cycle: record() },
    cycle: createCycle(),
    throughputs: createThroughputs(),
    slotsSeen: createSlotsSeen(),
  };
}
