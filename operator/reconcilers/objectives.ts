import { milliseconds } from '../api/duration.ts';
import { awaitChange, requeueAfter, type Reconcile } from '../kube/loop.ts';
import type { Queue } from '../kube/queue.ts';
import { assess, type Assessment } from './assess.ts';
import { measure, type MeasuringDeps } from './measuring.ts';
import { resolveService, type VisitDeps } from './visit.ts';

export interface ObjectivesDeps extends VisitDeps, MeasuringDeps {
  readonly caches: VisitDeps['caches'];
  readonly collector: VisitDeps['collector'];
  readonly services: Pick<Queue, 'add'>;
}

/** Has each service measured, and wakes the reconciler that writes its status when a state has changed: figures that only move a little wake nobody. */
export function objectives(deps: ObjectivesDeps): Reconcile {
  const known = new Map<string, string>();
  return async (key, signal) => {
    const service = deps.caches.services.get(key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) {
      known.delete(key);
      deps.collector.untrack(key);
      return awaitChange;
    }
    const resolution = await resolveService(service, deps, signal);
    if (resolution.kind === 'problem') return awaitChange;
    measure(resolution.resolved, deps);
    const state = statesOf(assess(resolution.resolved, deps));
    if (known.get(key) !== state) deps.services.add(key);
    known.set(key, state);
    return requeueAfter(milliseconds(resolution.resolved.policy.collector.interval));
  };
}

const statesOf = ({ conditions, figures }: Assessment): string =>
  JSON.stringify([conditions.map(({ type, status, reason }) => [type, status, reason]), figures]);
