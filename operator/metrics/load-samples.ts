import type { Sample } from '../decide/lookahead/memory.ts';
import type { RingSlice } from './windows.ts';

/** Columns that a load sample is made from. */
export const loadColumns = [
  'podsReady',
  'podsAnswered',
  'answerRate',
  'errorRate',
  'inFlight',
  'queue',
  'requestRatePartial',
  'inFlightPartial',
  'queuePartial',
] as const;
export type LoadSlice = RingSlice<(typeof loadColumns)[number]>;

/** One row of a component as Lookahead takes it. */
export interface LoadSample {
  /** ms since the epoch. */
  readonly at: number;
  /** Undefined: too few Pods answered, or they do not say how much they work on. */
  readonly load: Omit<Sample, 'asked' | 'startUpSeconds' | 'isRollingOut'> | undefined;
}

/** Below this share of Pods that answer, the others cannot be guessed. */
const leastAnswering = 0.7;

interface Reading {
  readonly periodSeconds: number;
  /** Above this share of answers that are errors, a row says nothing of how long a request takes: one that fails is done at once, or late. */
  readonly maxErrorRatio: number;
}

/**
 * Rows but for the first, which only says where the second begins. What finished is counted by the Pods; what arrived is that and what there is more of in them.
 * Where some Pods are silent, the others stand for them; one that answers and is too new for a rate has finished nothing yet: the load that it begins to share would be taken for a multiple of itself. Errors arrived like all others; with many of them nothing has finished and nothing was busy, so that service times stay as they are known.
 * Where a Pod that answers leaves out a part that others tell, now or in the row before, that is said: the sums may be too small.
 */
export function loadSamples(
  { times, figures }: LoadSlice,
  { periodSeconds, maxErrorRatio }: Reading,
): readonly LoadSample[] {
  const inSystem = figures.inFlight.map((busy, row) => busy + known(figures.queue[row]));
  return Array.from(times.subarray(1), (at, index) => {
    const row = index + 1;
    const [ready, answered] = [figures.podsReady[row] ?? NaN, figures.podsAnswered[row] ?? NaN];
    const finished = (figures.answerRate[row] ?? NaN) * periodSeconds;
    const busy = figures.inFlight[row] ?? NaN;
    const before = inSystem[index] ?? NaN;
    const more = Number.isNaN(before) ? 0 : (inSystem[row] ?? NaN) - before;
    if (!(answered > 0 && answered >= leastAnswering * ready) || Number.isNaN(finished + busy))
      return { at, load: undefined };
    const scale = Math.max(1, ready / answered);
    const meanBusy = Number.isNaN(before) ? busy : (busy + (figures.inFlight[index] ?? busy)) / 2;
    const isPartial = leavesOut(figures, row) || leavesOut(figures, index);
    const isFailing = known(figures.errorRate[row]) * periodSeconds > maxErrorRatio * finished;
    return {
      at,
      load: {
        arrived: scale * Math.max(0, finished + more),
        finished: isFailing ? 0 : scale * finished,
        busySeconds: isFailing ? 0 : scale * meanBusy * periodSeconds,
        waiting: scale * known(figures.queue[row]),
        ...(Number.isNaN(figures.queue[row] ?? NaN) && { isWaitingUnknown: true as const }),
        ready,
        ...(isPartial && { isPartial: true as const }),
      },
    };
  });
}

const leavesOut = ({ requestRatePartial, inFlightPartial, queuePartial }: LoadSlice['figures'], row: number): boolean =>
  known(requestRatePartial[row]) + known(inFlightPartial[row]) + known(queuePartial[row]) > 0;

/** A workload without a queue, or without a status of its answers, has none to tell of. */
const known = (value = NaN): number => (Number.isNaN(value) ? 0 : value);
