import { significant } from '../significant.ts';

interface Level {
  readonly finished: number;
  readonly seconds: number;
  readonly window: number;
}

/** How fast Pods work while some requests wait, by how many are Ready: as fast as they can. */
export interface Throughputs {
  /** Requests that finished and the seconds that took, newer ones counting more, as of `window`. */
  readonly byReady: Map<number, Level>;
  /** Of the window before. */
  ready: number;
  waiting: number;
  /** What follows of these, and the window in which that was reckoned. */
  saturation: Saturation | undefined;
  judgedAt: number;
}

export const createThroughputs = (): Throughputs => ({
  byReady: new Map(),
  ready: 0,
  waiting: 0,
  saturation: undefined,
  judgedAt: 0,
});

const halfLifeSeconds = 600;
/** What was concluded holds while its figures do: how often that is looked at where nothing new comes. */
const judgeAgainSeconds = 60;
/** Fewer requests than that say nothing any more. */
const leastCounted = 10;

/** Share of the slots that are busy where all are: Pods do not end and begin at once. */
const full = 0.9;

/** What of a window says how fast Pods are. */
export interface FullWindow {
  readonly ready: number;
  /** At its end. */
  readonly waiting: number;
  readonly finished: number;
  /** Of all slots together. */
  readonly busySeconds: number;
}

interface Slots {
  readonly periodSeconds: number;
  readonly slotsPerReplica: number;
}

/** Takes in one window, and judges anew where it tells anything or the last judgement is old. It tells only where requests waited, all slots were busy, and no Pod came or went. */
export function noteThroughput(
  throughputs: Throughputs,
  { ready, waiting, finished, busySeconds }: FullWindow,
  window: number,
  { periodSeconds, slotsPerReplica }: Slots,
): void {
  const isSteady = waiting > 0 && throughputs.waiting > 0 && throughputs.ready === ready;
  const isFull = isSteady && busySeconds >= full * periodSeconds * ready * slotsPerReplica;
  throughputs.ready = ready;
  throughputs.waiting = waiting;
  const isOld =
    throughputs.saturation !== undefined && (window - throughputs.judgedAt) * periodSeconds >= judgeAgainSeconds;
  if (!isFull && !isOld) return;
  if (isFull) {
    const {
      finished: before,
      seconds,
      window: then,
    } = throughputs.byReady.get(ready) ?? { finished: 0, seconds: 0, window };
    const keeps = keptOf(then, window, periodSeconds);
    throughputs.byReady.set(ready, {
      finished: before * keeps + finished,
      seconds: seconds * keeps + periodSeconds,
      window,
    });
  }
  throughputs.saturation = saturationOf(throughputs, window, periodSeconds);
  throughputs.judgedAt = window;
}

const keptOf = (from: number, to: number, periodSeconds: number): number =>
  2 ** (((from - to) * periodSeconds) / halfLifeSeconds);

/** More Pods that work off hardly more: something behind them is full. */
export interface Saturation {
  readonly ready: number;
  readonly perSecond: number;
  readonly fewerReady: number;
  readonly fewerPerSecond: number;
  /** Replicas that do as much, with a tenth to spare. */
  readonly enough: number;
}

/** Fewer Pods by so much, or they say nothing of how it grows. */
const leastStep = 0.8;
/** Of what the Pods that came should have brought: less is not what they are for. */
const leastGain = 0.5;
/** Standard errors between what is seen and that. */
const sureness = 2.5;
const spare = 1.1;

/**
 * Whether more Pods brought less than half of what they should, compared with a time of fewer that were as full; of several such pairs the one that needs the fewest replicas.
 *
 * How many there are is our own doing, and both times all were busy, so neither the load nor chance explains it; requests that became heavier in between would.
 * What is older than half an hour hardly counts: then more are tried again.
 */
function saturationOf({ byReady }: Throughputs, window: number, periodSeconds: number): Saturation | undefined {
  let least: Saturation | undefined;
  const countOf = (level: Level): number => level.finished * keptOf(level.window, window, periodSeconds);
  for (const [ready, level] of byReady) if (countOf(level) < leastCounted) byReady.delete(ready);
  for (const [fewerReady, fewer] of byReady)
    for (const [ready, more] of byReady) {
      if (fewerReady > leastStep * ready) continue;
      const error = Math.sqrt(1 / countOf(more) + 1 / countOf(fewer));
      const [perSecond, fewerPerSecond] = [more.finished / more.seconds, fewer.finished / fewer.seconds];
      const gain = perSecond / fewerPerSecond;
      const asked = 1 + leastGain * (ready / fewerReady - 1);
      if (!(Math.log(gain) + sureness * error < Math.log(asked))) continue;
      const enough = Math.ceil(spare * fewerReady * Math.max(1, gain));
      if (least === undefined || enough < least.enough)
        least = { ready, perSecond, fewerReady, fewerPerSecond, enough };
    }
  return least;
}

export const saturationText = ({ ready, perSecond, fewerReady, fewerPerSecond, enough }: Saturation): string =>
  `${ready} Pods work off ${significant(perSecond)} requests/s, ${fewerReady} worked off ${significant(fewerPerSecond)}: more bring hardly anything, something behind them is full, and ${enough} do as much`;
