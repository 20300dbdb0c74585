import { isTolerated, type Tolerance } from '../../decide/pods-metric.ts';
import { limit, withChange, type Behavior, type BehaviorMemory } from '../../decide/scaling-behavior.ts';
import { withinBounds } from '../service.ts';

/** Pods as the controller sorts them for one metric, and the sum of what the measured ones use (percent of a request each). */
export interface PodGroups {
  counted: number;
  usage: number;
  unready: number;
  missing: number;
}

/** A Pod that stays, as the controller looks at it. Times in seconds. */
export interface PodReading {
  /** It is not Pending any more. */
  readonly isStarted: boolean;
  readonly startedAt: number;
  /** Its condition Ready; undefined: it has none yet. */
  readonly ready: { readonly isTrue: boolean; readonly since: number } | undefined;
  /** The newest of its metrics; undefined: it has none. */
  readonly sample: { readonly at: number; readonly windowSeconds: number } | undefined;
}

/** How long after its start the CPU of a Pod counts only while it is Ready, and only once a whole sample is of that time. */
const initialisationSeconds = 300;
/** One that stopped being Ready sooner after its start never was. */
const firstReadySeconds = 30;

/** Where the controller puts a Pod (`groupPods`); only of its CPU it matters whether it is Ready. */
export function groupOf(pod: PodReading, of: 'cpu' | 'other', now: number): 'counted' | 'unready' | 'missing' {
  const { isStarted, startedAt, ready, sample } = pod;
  if (!isStarted) return 'unready';
  if (sample === undefined) return 'missing';
  if (of !== 'cpu') return 'counted';
  if (ready === undefined) return 'unready';
  const isYoung = startedAt + initialisationSeconds > now;
  const isUnready = isYoung
    ? !ready.isTrue || sample.at < ready.since + sample.windowSeconds
    : !ready.isTrue && startedAt + firstReadySeconds > ready.since;
  return isUnready ? 'unready' : 'counted';
}

/**
 * Replicas that a utilization asks for (`GetResourceReplicas`); it is a whole number of percent.
 *
 * @returns undefined: no Pod is measured.
 */
export function replicasByUtilization(
  target: number,
  { counted, usage, unready, missing }: PodGroups,
  { current, tolerance }: { readonly current: number; readonly tolerance: Tolerance },
): number | undefined {
  if (counted === 0) return undefined;
  const ratio = Math.trunc(usage / counted + 1e-9) / target;
  const countsUnready = unready > 0 && ratio > 1;
  if (!countsUnready && missing === 0) return isTolerated(ratio, tolerance) ? current : Math.ceil(ratio * counted);
  if (ratio === 1) return current; // neither way: those without a metric count for nothing
  const assumed = ratio < 1 ? missing * Math.max(100, target) : 0;
  const all = counted + missing + (countsUnready ? unready : 0);
  const secondRatio = Math.trunc((usage + assumed) / all + 1e-9) / target;
  const isTurned = (ratio < 1 && secondRatio > 1) || (ratio > 1 && secondRatio < 1);
  if (isTolerated(secondRatio, tolerance) || isTurned) return current;
  const wanted = Math.ceil(secondRatio * all);
  const isAgainst = secondRatio < 1 ? wanted > current : wanted < current;
  return isAgainst ? current : wanted;
}

interface SyncInput {
  /** What each metric asks for; undefined: it is unknown. */
  readonly asked: readonly (number | undefined)[];
  readonly current: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly behavior: Behavior;
  readonly memory: BehaviorMemory;
  /** ms since the epoch. */
  readonly now: number;
}

/** One sync of the controller (`reconcileAutoscaler`). */
export function syncHpa({ asked, current, minReplicas, maxReplicas, behavior, memory, now }: SyncInput): {
  readonly replicas: number;
  readonly memory: BehaviorMemory;
} {
  const scaled = (to: number, after: BehaviorMemory) => ({
    replicas: to,
    memory: withChange(after, { from: current, to, at: now }),
  });
  if (current < minReplicas) return scaled(minReplicas, memory); // at once, past every rule
  const desired = greatestOf(asked, current);
  if (desired === undefined) return { replicas: current, memory };
  const limited = limit({ desired, current, behavior, memory, now });
  return scaled(withinBounds(limited.replicas, { minReplicas, maxReplicas }), limited.memory);
}

/** The greatest that a metric asks for. @returns undefined where none is known; while one is unknown nothing is lowered. */
function greatestOf(asked: SyncInput['asked'], current: number): number | undefined {
  const known = asked.filter((replicas) => replicas !== undefined);
  if (known.length === 0) return undefined;
  const greatest = Math.max(...known);
  return known.length < asked.length && greatest < current ? undefined : greatest;
}
