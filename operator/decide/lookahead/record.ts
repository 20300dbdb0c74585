import type { Calibration } from './calibration.ts';
import { minutesOnePeriodAgo, windowsPerMinute, withMinutes, type KnownMinutes } from './cycle.ts';
import { decideLookahead, horizonOf, lookBackOf, type LookaheadDecision } from './decide.ts';
import {
  createLookaheadMemory,
  experts,
  newestOf,
  windowsKept,
  type Expert,
  type LookaheadMemory,
  type LookaheadSettings,
  type Record as ExpertRecord,
  type Sample,
  type ServiceTimes,
} from './memory.ts';
import type { Saturation } from './saturation.ts';

/** What a decision reads of a memory, as plain data: enough to decide once more, not to go on learning. Figures are whole: rounded ones would decide otherwise now and then. */
interface StoodOn {
  readonly window: number;
  readonly soundSince: number;
  readonly loadSince?: number | undefined;
  readonly peakAt: number;
  /** As far as is looked back, oldest first. */
  readonly demands: readonly number[];
  readonly needs: readonly number[];
  readonly wants: readonly number[];
  readonly slow: ServiceTimes;
  readonly quick: ServiceTimes;
  readonly slots?: number | undefined;
  readonly saturation?: Saturation | undefined;
  /** Absent: the load repeats after no time that is known. */
  readonly cycle?: KnownMinutes | undefined;
  readonly experts: Readonly<Record<Expert, Judged>>;
}

/** How an expert was off: counts from the bin `from` on. */
interface Judged extends Pick<ExpertRecord, 'lossSum' | 'lossWeight' | 'coveredSum'> {
  readonly errors: Omit<Calibration, 'counts'> & { readonly from: number; readonly counts: readonly number[] };
}

/** A decision of Lookahead with all that it was made from: plain data, for `genops replay`. */
export interface LookaheadRecord {
  readonly input: {
    readonly settings: LookaheadSettings;
    readonly sample: Sample;
    readonly memory: StoodOn;
    /** Then nothing is in it of how long Pods took. */
    readonly isStartUpDeclared: boolean;
  };
  readonly floor: number;
  readonly reason: LookaheadDecision['reason'];
  readonly wanted: number;
}

/** To be taken before it is decided: deciding moves the place of a quantile, learning all the rest. */
export function stoodOn(memory: LookaheadMemory, sample: Sample, settings: LookaheadSettings): StoodOn {
  const { window, size, soundSince, loadSince, peakAt, slow, quick, slotsSeen, throughputs, records } = memory;
  const count = Math.min(window, size, lookBackOf(memory, sample, settings));
  const judged = experts.map((expert) => [expert, judgedOf(records[expert])] as const);
  return {
    window,
    soundSince,
    loadSince,
    peakAt,
    demands: newestOf(memory.demands, memory, count),
    needs: newestOf(memory.needs, memory, count),
    wants: newestOf(memory.wants, memory, count),
    slow: { ...slow },
    quick: { ...quick },
    slots: slotsSeen.slots,
    saturation: throughputs.saturation,
    cycle: minutesOnePeriodAgo(memory.cycle, minutesAhead(Infinity, settings)),
    experts: Object.fromEntries(judged) as Record<Expert, Judged>,
  };
}

/** As far as is looked ahead where a Pod takes so long; of the slowest it is the horizon. */
const minutesAhead = (startUpSeconds: number, settings: LookaheadSettings): number =>
  horizonOf(startUpSeconds, settings) / windowsPerMinute(settings.periodSeconds);

function judgedOf({ calibration, lossSum, lossWeight, coveredSum }: ExpertRecord): Judged {
  const { counts, ...rest } = calibration;
  const from = counts.findIndex((count) => count > 0);
  const to = counts.findLastIndex((count) => count > 0) + 1;
  return { lossSum, lossWeight, coveredSum, errors: { ...rest, from, counts: [...counts.subarray(from, to)] } };
}

/** A memory by which the same is decided. */
function memoryOf(stood: StoodOn, settings: LookaheadSettings, size: number): LookaheadMemory {
  const empty = createLookaheadMemory(settings);
  const ring = (): Float64Array => new Float64Array(size);
  const { window, soundSince, loadSince, peakAt, slow, quick, slots, saturation, cycle } = stood;
  const memory = { ...empty, size, demands: ring(), needs: ring(), wants: ring(), window, soundSince, loadSince };
  for (const name of ['demands', 'needs', 'wants'] as const) {
    const known = stood[name];
    for (const [index, value] of known.entries()) memory[name][(window - known.length + index) & (size - 1)] = value;
  }
  for (const expert of experts) {
    const { errors, ...losses } = stood.experts[expert];
    const { from, counts, ...rest } = errors;
    const { calibration } = memory.records[expert];
    calibration.counts.fill(0).set(counts, from);
    Object.assign(calibration, rest);
    Object.assign(memory.records[expert], losses);
  }
  if (cycle !== undefined) Object.assign(memory.cycle, withMinutes(cycle));
  memory.slotsSeen.slots = slots;
  memory.throughputs.saturation = saturation;
  return { ...memory, peakAt, slow: { ...slow }, quick: { ...quick } };
}

type Input = LookaheadRecord['input'];

const sizeFor = (settings: LookaheadSettings, as: LookaheadSettings): number =>
  Math.max(windowsKept(settings), windowsKept(as));

/** Whether other settings look back over more than is written down: what is not is unknown, and would count for no load. */
export function looksFurther({ settings, sample, memory: stood }: Input, as: LookaheadSettings): boolean {
  const memory = memoryOf(stood, as, sizeFor(settings, as));
  const windows = Math.min(memory.window, memory.size, lookBackOf(memory, sample, as));
  const minutes = minutesOnePeriodAgo(memory.cycle, minutesAhead(sample.startUpSeconds, as))?.minutes ?? [];
  return windows > stood.wants.length || minutes.length > (stood.cycle?.minutes.length ?? 0);
}

/** What is decided by what a decision stood on: the same, or under other settings something else. */
export function decideAgain({ settings, sample, memory }: Input, as = settings): LookaheadDecision {
  return decideLookahead(memoryOf(memory, as, sizeFor(settings, as)), sample, as);
}
