import { podStates } from '../fleet.ts';
import type { World } from '../world.ts';

/** metrics-server's samples are of as many seconds, and the first comes so long after the controller's. */
export const metricsEvery = 15;
export const firstMetricsAt = 7;

/** What metrics-server knows of the Pods, by number. */
export interface PodMetrics {
  /** Share of busy slots over one period up to `at`. NaN: no sample yet. */
  readonly busyRatio: Float64Array;
  readonly busyBefore: Float64Array;
  /** Which Pod of that number it was. */
  readonly createdAt: Float64Array;
  at: number;
  /** Of all Pods. NaN: unknown yet. */
  requestsPerSecond: number;
  finishedBefore: number;
}

export const createPodMetrics = ({ fleet }: World): PodMetrics => ({
  busyRatio: new Float64Array(fleet.states.length).fill(NaN),
  busyBefore: new Float64Array(fleet.states.length),
  createdAt: new Float64Array(fleet.states.length).fill(NaN),
  at: 0,
  requestsPerSecond: NaN,
  finishedBefore: 0,
});

/** Takes a sample of each Pod: its mean since the last. One that is seen for the first time has none yet. */
export function measure(metrics: PodMetrics, world: World): void {
  const { fleet, now } = world;
  const { busyRatio, busyBefore, createdAt } = metrics;
  const elapsed = now - metrics.at;
  for (let pod = 0; pod < fleet.limit; pod++) {
    if (fleet.states[pod] === podStates.gone) continue;
    const isServing = fleet.states[pod] !== podStates.starting;
    const busy = isServing ? world.busySecondsOf(pod) : 0;
    const isKnown = createdAt[pod] === fleet.createdAt[pod];
    busyRatio[pod] = isKnown ? (busy - (busyBefore[pod] ?? 0)) / (elapsed * world.slots) : NaN;
    busyBefore[pod] = busy;
    createdAt[pod] = fleet.createdAt[pod] ?? NaN;
  }
  metrics.requestsPerSecond = (world.finished - metrics.finishedBefore) / elapsed;
  metrics.finishedBefore = world.finished;
  metrics.at = now;
}

/** The sample of a Pod; NaN: there is none. */
export const sampleOf = ({ busyRatio, createdAt }: PodMetrics, { fleet }: World, pod: number): number =>
  createdAt[pod] === fleet.createdAt[pod] ? (busyRatio[pod] ?? NaN) : NaN;
