import type { Finding } from '../api/conditions.ts';
import { rfc3339 } from '../api/rfc3339.ts';
import { objectiveNames, type GenerationServiceStatus } from '../api/status.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { keyOf } from '../kube/object.ts';
import { milliseconds } from '../api/duration.ts';
import type { Decisions } from './decisions.ts';
import type { CacheServers } from './cache-servers.ts';
import type { LastWords } from './last-words.ts';
import { judgeObjectives, type ObjectiveName, type ObjectivesAnswer } from '../decide/objectives.ts';
import { ratingOf, withSummary, type RatingInput } from '../decide/rating.ts';
import { steadyObjectives, steadyRating } from '../decide/steady.ts';
import { measuredFrom } from '../metrics/measured.ts';
import type { Standings } from '../metrics/standings.ts';
import { availability, withoutTarget, type AvailabilityDeps } from './availability.ts';
import { scalerActive } from './scaler-condition.ts';
import { fullComponents } from './scaler-limits.ts';

export interface AssessDeps extends AvailabilityDeps {
  readonly decisions: Decisions;
  readonly cacheServers: CacheServers;
  readonly standings: Pick<Standings, 'of'>;
  readonly told: LastWords<GenerationServiceStatus['objectives']>;
}

/** What the measured figures say of a service, for its status: states and coarse values only, so that it seldom changes. */
export interface Assessment {
  readonly conditions: readonly (Finding<'MetricsAvailable'> | Finding<'ObjectivesMet'> | Finding<'ScalerActive'>)[];
  readonly figures: Pick<GenerationServiceStatus, 'objectives' | 'objectivesMet' | 'rating'>;
  /** What this look adds to how the service stands; undefined while nothing was looked at. */
  readonly look:
    (Pick<ObjectivesAnswer, 'looked' | 'insideSince'> & { readonly score: number | undefined }) | undefined;
  /** By component. */
  readonly components: ReadonlyMap<string, { readonly metricsSource: string }>;
  /** By component, what each Pod says that it runs with; empty where no settings are declared. */
  readonly running: readonly (readonly number[])[];
}

export function assess(resolved: Resolved, deps: AssessDeps): Assessment {
  const seen = resolved.components.map((component) => ({
    component,
    available: availability(resolved, component, deps),
  }));
  const all = [...seen.map(({ available }) => available), ...withoutTarget(resolved)];
  const worst = all.find(({ status }) => status !== 'True') ?? all[0];
  const read = seen.filter(
    ({ component, available: { reason } }) =>
      reason === 'Fresh' || (reason !== 'NoPods' && isAnswered(component, resolved, deps)),
  );
  const isFresh = worst?.status === 'True';
  const isPending = seen.some(({ available }) => available.reason === 'Pending');
  const { condition, figures, look } = isPending ? notLookedAt(resolved) : objectives(resolved, isFresh, deps);
  return {
    conditions: [...(worst === undefined ? [] : [worst]), scalerActive(resolved, seen, deps), condition],
    figures,
    look,
    components: new Map(
      read.flatMap(({ component: { spec } }) => {
        const source = deps.collector.sourceOf(keyOf(resolved.service), spec.name);
        return source === undefined ? [] : [[spec.name, { metricsSource: source.type }] as const];
      }),
    ),
    running: running(resolved, deps),
  };
}

/** NaN: it says nothing. */
function running({ service, components }: Resolved, { collector }: AssessDeps): Assessment['running'] {
  const isDeclared = service.status?.conditions?.some(({ type }) => type === 'RuntimeApplied') === true;
  if (!isDeclared) return [];
  return components.map(({ spec }) =>
    collector
      .podFigures(keyOf(service), spec.name)
      .filter(({ observedAt }) => observedAt !== undefined)
      .map(({ runtimeConfigHash = NaN }) => runtimeConfigHash),
  );
}

/** Equal when nobody who reads the status would see a difference worth a write. What is well has few words for it; what is not names Pods and figures that move. */
export const statesOf = ({ conditions, figures, components, running: said }: Assessment): string =>
  JSON.stringify([
    conditions.map(({ type, status, reason, message }) => [type, status, reason, status === 'True' && message]),
    figures,
    [...components],
    said,
  ]);

/** Whether the source that is read now gives figures of a Pod, of load or not. */
function isAnswered(
  { spec }: ResolvedComponent,
  { service, policy }: Resolved,
  { collector, clock }: Pick<AssessDeps, 'collector' | 'clock'>,
): boolean {
  const since = clock.now() - 2 * milliseconds(policy.collector.interval);
  const answered = collector.rowsOf(keyOf(service), spec.name, since, ['podsAnswered'])?.figures.podsAnswered;
  return (answered?.at(-1) ?? 0) > 0;
}

/** Objectives and rating as status is to show them. */
function objectives(
  resolved: Resolved,
  isFresh: boolean,
  { collector, cacheServers, standings, told, decisions, clock }: AssessDeps,
) {
  const { service, policy, components } = resolved;
  const { status = {} } = service;
  const key = keyOf(service);
  const now = clock.now();
  const standing = standings.of(service);
  const windowMs = milliseconds(policy.objectives.window);
  const measured = measuredFrom({
    policy: policy.objectives,
    components: components.map(({ spec: { name } }) => ({ name, figures: collector.windowOf(key, name, windowMs) })),
    redisHitRatio: cacheServers.worstHitRatio(service, now - windowMs),
    isRedisIdle: isFresh && cacheServers.isIdle(service, now - windowMs), // idle is who is measured and was not asked
  });
  const early = heldFrom(resolved, isFresh, { cacheServers, clock });
  // Before the first look of this process what stood in status is what is known.
  const shown = (name: ObjectiveName): number | undefined => {
    const attainment = status.objectives?.find((one) => one.name === name)?.attainment;
    return attainment === undefined ? undefined : Number(attainment);
  };
  const { condition, objectivesMet, looked, insideSince, ...answer } = judgeObjectives({
    policy: policy.objectives,
    measured: { ...measured.objectives, tooEarly: early.objectives },
    previous: status.objectives,
    told: told.of(service),
    insideSince: standing?.insideSince,
    attainment: standing === undefined ? shown : (name) => standing.attainment(name, now),
    isFresh,
    isOfViews: components.every(({ spec: { name } }) => collector.sourceOf(key, name)?.type === 'HTTP'),
    full: fullComponents(resolved, decisions),
    now,
  });
  const rating = ratingOf({ policy: policy.rating, held: early.rating, ...measured.rating });
  const look = { looked, insideSince, score: rating.score };
  // Six entries that say Unknown are most of a status' size; the condition and `0/6` say it in two words.
  if (status.objectives === undefined && answer.objectives.every(({ state }) => state === 'Unknown'))
    return { condition, figures: { objectivesMet }, look };
  const figures = {
    objectives: steadyObjectives(status.objectives, [...answer.objectives], now),
    objectivesMet,
    rating: steadyRating(
      status.rating,
      { ...withSummary(rating), ...(rating.score !== undefined && { observedAt: rfc3339(now) }) },
      now,
    ),
  };
  return { condition, figures, look };
}

/**
 * What status says and this process has not looked at for a whole window: a restart is no news, and nobody asked in half a minute is not nobody asked.
 * Not of what does not answer: that is lost.
 */
function heldFrom(
  { service, policy: { objectives: policy } }: Resolved,
  isFresh: boolean,
  { cacheServers, clock }: Pick<AssessDeps, 'cacheServers' | 'clock'>,
): { readonly objectives: readonly ObjectiveName[]; readonly rating: RatingInput['held'] } {
  if (!cacheServers.isEarly(service, clock.now() - milliseconds(policy.window))) return { objectives: [], rating: {} };
  const isCacheThere = policy.cacheHitRatio.source === 'Redis' ? cacheServers.isAnswered(service) : isFresh;
  const { cacheHitRatio, ...ofPods } = service.status?.rating?.parts ?? {};
  return {
    objectives: objectiveNames.filter((name) => (name === 'CacheHitRatio' ? isCacheThere : isFresh)),
    rating: { ...(isFresh && ofPods), ...(isCacheThere && cacheHitRatio !== undefined && { cacheHitRatio }) },
  };
}

/** While nothing was looked at yet, what stood there stays. */
function notLookedAt({ service: { status = {} } }: Resolved) {
  const { objectives: kept, objectivesMet, rating } = status;
  const condition = {
    type: 'ObjectivesMet',
    status: 'Unknown',
    reason: 'Pending',
    message: 'Nothing has been measured yet.',
  } as const;
  const figures = {
    ...(kept && { objectives: kept }),
    ...(objectivesMet !== undefined && { objectivesMet }),
    ...(rating && { rating }),
  };
  return { condition, figures, look: undefined };
}
