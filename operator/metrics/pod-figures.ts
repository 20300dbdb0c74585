import { lookOf, measuredContainer, staleAfterMs, type ComponentWindow } from './component-window.ts';
import { stateOf, type PodState, type PodView } from './pod-view.ts';

/** What one Pod said last. Absent is unknown: never told, or so old that it says nothing of now. */
export interface PodFigures {
  readonly name: string;
  readonly state: PodState;
  /** Which template it was made from: another in the Pods that a roll-out replaces. */
  readonly revision?: string;
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
      const [state, revision] = [stateOf(view), revisionOf(view)];
      const known = { name: view.name, state, ...(revision === undefined ? {} : { revision }) };
      const latest = pods.get(view.uid)?.latest;
      if (latest === undefined || state !== 'Ready' || now - latest.observedAt > staleAfterMs(options)) return known;
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
      const measured = Object.entries(figures).filter(([, value]) => Number.isFinite(value));
      return { ...known, observedAt: latest.observedAt, ...Object.fromEntries(measured) };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** As the controller of its Deployment or StatefulSet labels it. */
const revisionOf = ({ labels }: PodView): string | undefined =>
  labels['pod-template-hash'] ?? labels['controller-revision-hash'];

const percentOf = (used: number, of: number): number => (of > 0 ? (100 * used) / of : NaN);
