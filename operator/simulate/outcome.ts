/** Requests are judged in windows of this length, by arrival. */
export const windowSeconds = 300;
/** A window with fewer says nothing. */
const leastInWindow = 20;
/** More than this over the objective, and its p95 is missed. */
const tolerated = 0.05;

/** How a run went. */
export interface Outcome {
  readonly requests: number;
  /** Share of requests that took longer than the objective, or were given up. */
  readonly overRatio: number;
  readonly givenUpRatio: number;
  /** 5-minute windows with enough requests to be judged. */
  readonly windows: number;
  /** Share of these in which the 95th percentile missed the objective. */
  readonly windowsOverRatio: number;
  readonly replicaHours: number;
  readonly changes: number;
  readonly longestQueue: number;
  /** Seconds, and the replicas that were asked for from then on. */
  readonly decisions: readonly (readonly [at: number, replicas: number])[];
  /** By 5-minute window: the share over the objective. */
  readonly lateRatios: Float64Array;
}

/** Counts while a run goes on. */
export interface Tally {
  readonly counts: Float64Array;
  readonly over: Float64Array;
  givenUp: number;
  longestQueue: number;
  readonly decisions: [number, number][];
}

export const createTally = (lengthSeconds: number, replicas: number): Tally => ({
  counts: new Float64Array(Math.ceil(lengthSeconds / windowSeconds) + 1),
  over: new Float64Array(Math.ceil(lengthSeconds / windowSeconds) + 1),
  givenUp: 0,
  longestQueue: 0,
  decisions: [[0, replicas]],
});

const windowOf = (at: number): number => Math.floor(at / windowSeconds);

export function noteArrivals({ counts }: Tally, at: number, requests: number): void {
  const window = windowOf(at);
  counts[window] = (counts[window] ?? 0) + requests;
}

/** @param arrivedAt Seconds. @param requests Took longer than the objective, or were given up. */
export function noteOver({ over }: Tally, arrivedAt: number, requests: number): void {
  const window = windowOf(arrivedAt);
  over[window] = (over[window] ?? 0) + requests;
}

export function outcomeOf({ counts, over, givenUp, longestQueue, decisions }: Tally, replicaSeconds: number): Outcome {
  const sum = (of: Float64Array): number => of.reduce((total, value) => total + value, 0);
  const requests = sum(counts);
  let [judged, missed] = [0, 0];
  for (const [index, count] of counts.entries()) {
    if (count < leastInWindow) continue;
    judged++;
    if ((over[index] ?? 0) > tolerated * count) missed++;
  }
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return {
    requests,
    overRatio: share(sum(over), requests),
    givenUpRatio: share(givenUp, requests),
    windows: judged,
    windowsOverRatio: share(missed, judged),
    replicaHours: replicaSeconds / 3600,
    changes: decisions.length - 1,
    longestQueue,
    decisions,
    lateRatios: counts.map((count, window) => share(over[window] ?? 0, count)),
  };
}
