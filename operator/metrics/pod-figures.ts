import { lookOf, measuredContainer, staleAfterMs, type ComponentWindow } from './component-window.ts';
import { stateOf, type PodState, type PodView } from './pod-view.ts';

/** What one Pod said last. Absent is unknown: never told, or so old that it says nothing of now. */
export interface PodFigures {
  readonly name: string;
  readonly state: PodState;
  /** ms since the epoch. */
  readonly observedAt?: number;
  readonly requestRate?: number;
  readonly cpuCores?: number;
  /** Of the container's limit, else of its request. */
  readonly cpuPercent?: number;
  readonly memoryBytes?: number;
  readonly memoryPercent?: number;
  readonly inFlight?: number;
  readonly queue?: number;
  readonly activeConnections?: number;
  /** Of the settings that it runs with; see `hashNumber`. */
  readonly runtimeConfigHash?: number;
}

/** Of the Pods that there are now, of whatever state; by name. */
export function podFiguresOf(
  { pods, options }: ComponentWindow,
  views: readonly PodView[],
  now: number,
): readonly PodFigures[] {
  return views
    .map((view): PodFigures => {
      const { name } = view;
      const state = stateOf(view);
      const latest = pods.get(view.uid)?.latest;
      if (latest === undefined || state !== 'Ready' || now - latest.observedAt > staleAfterMs(options))
        return { name, state };
      const look = lookOf(latest, measuredContainer(view, options));
      const { cpuOf, memoryOf, requestRate, cpuCores, memoryBytes, inFlight, queue, activeConnections } = look;
      const figures = {
        requestRate,
        cpuCores,
        cpuPercent: percentOf(cpuCores, cpuOf),
        memoryBytes,
        memoryPercent: percentOf(memoryBytes, memoryOf),
        inFlight,
        queue,
        activeConnections,
        runtimeConfigHash: latest.figures.runtimeConfigHash,
      };
      const known = Object.entries(figures).filter(([, value]) => Number.isFinite(value));
      return { name, state, observedAt: latest.observedAt, ...Object.fromEntries(known) };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const percentOf = (used: number, of: number): number => (of > 0 ? (100 * used) / of : NaN);
