import type { Condition } from '../api/conditions.ts';
import { milliseconds } from '../api/duration.ts';
import { causeNews, type CauseLook, type CauseSeen } from '../decide/cause-news.ts';
import type { Resolved } from '../decide/resolve.ts';
import type { Key } from '../kube/object.ts';
import { awaitChange, requeueAfter, type Next, type Reconcile } from '../kube/loop.ts';
import type { Queue } from '../kube/queue.ts';
import { assess, statesOf, type Assessment } from './assess.ts';
import { selectPods, type Caches } from './caches.ts';
import { resolveInForce } from './in-force.ts';
import { keepRollUps } from './kept-roll-ups.ts';
import { createLastWords } from './last-words.ts';
import { measure, type MeasuringDeps } from './measuring.ts';
import { isWatched } from './targets.ts';
import type { VisitDeps } from './visit.ts';

export interface ObjectivesDeps extends VisitDeps, MeasuringDeps {
  readonly caches: VisitDeps['caches'];
  readonly collector: VisitDeps['collector'];
  readonly services: Pick<Queue, 'add'>;
}

/**
 * Has each service measured, and wakes the reconciler that writes its status when a state has changed: figures that only move a little wake nobody.
 * A service of which nothing can be measured costs nothing: it rests until its first Pod comes.
 */
export function objectives(deps: ObjectivesDeps): Reconcile {
  /** When a service last had a Pod, ms since the epoch. */
  const podsAt = new Map<Key, number>();
  const causes = createLastWords<CauseSeen>();
  const forget = (key: Key): Next => {
    podsAt.delete(key);
    causes.forget(key);
    deps.collector.untrack(key);
    deps.standings.forget(key);
    return awaitChange;
  };
  return async (key, signal) => {
    const cached = deps.caches.services.get(key);
    if (cached === undefined || cached.metadata.deletionTimestamp !== undefined) return forget(key);
    const resolution = await resolveInForce(deps.statuses.latest(cached), deps, signal);
    if (resolution.kind === 'problem') return forget(key); // its gauges must not repeat what another of its name had
    const { resolved } = resolution;
    const now = deps.clock.now();
    if (hasPods(resolved, deps.caches)) podsAt.set(key, now);
    const isResting = !isMeasurable(resolved) && !isWithinWindow(podsAt.get(key), resolved, now);
    if (isResting) deps.collector.untrack(key);
    else measure(resolved, deps);
    const assessed = deps.assessed.of(cached); // undefined: the visit that assesses it is still to come
    const assessment = assess(resolved, deps);
    const { seen, isNews } = causeNews({ ...causesOf(resolved, assessment), before: causes.of(cached), now });
    causes.put(cached, seen);
    if (assessed !== undefined && (isNews || assessed !== statesOf(assessment))) deps.services.add(key);
    note(resolved, assessment, deps);
    await keepRollUps(cached, deps, signal, isResting ? 'atOnce' : undefined);
    return isResting ? awaitChange : requeueAfter(milliseconds(resolved.policy.collector.interval));
  };
}

/** Why figures are missing: a state has one word for it, and whoever repairs it looks for the others. */
function causesOf({ service }: Resolved, { conditions }: Assessment): Pick<CauseLook, 'shown' | 'found'> {
  const causeIn = (all: readonly Pick<Condition, 'type' | 'status' | 'message'>[] = []): string | undefined =>
    all.find(({ type, status }) => type === 'MetricsAvailable' && status === 'False')?.message;
  return { shown: causeIn(service.status?.conditions), found: causeIn(conditions) };
}

/** How long each objective was met is counted look by look, here alone. */
function note({ service, policy }: Resolved, { look }: Assessment, { standings, states, clock }: ObjectivesDeps): void {
  if (look === undefined) return;
  standings.note(service, {
    ...look,
    attainmentWindowMs: milliseconds(policy.objectives.attainmentWindow),
    intervalMs: milliseconds(policy.collector.interval),
    now: clock.now(),
    saved: () => states.of(service).rollUps,
  });
}

const hasPods = ({ service, components }: Resolved, { pods }: Pick<Caches, 'pods'>): boolean =>
  components.some(({ target }) => selectPods(pods, service.metadata.namespace, target.selector).length > 0);

/** Also without Pods that we know of: by its servers, and where nobody tells us of new Pods. */
const isMeasurable = ({ service: { spec } }: Resolved): boolean =>
  (spec.redis?.length ?? 0) > 0 || spec.components.some(({ targetRef }) => !isWatched(targetRef));

/** Figures of Pods that are gone count until the window has passed over them. */
const isWithinWindow = (podsAt: number | undefined, { policy }: Resolved, now: number): boolean =>
  podsAt !== undefined && now - podsAt <= milliseconds(policy.objectives.window);
