import type { NewCondition } from '../api/conditions.ts';
import { problemMessage } from '../api/problem.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { keyOf } from '../kube/object.ts';
import { milliseconds } from '../api/duration.ts';
import { stateOf, type PodView } from '../metrics/pod-view.ts';
import { selectPods, type PodIndex } from './caches.ts';
import type { Collector } from '../metrics/collector.ts';
import { shadowedMetrics } from '../decide/shadow.ts';
import type { Decisions } from './decisions.ts';
import type { HitRatios } from './hit-ratios.ts';
import { judgeObjectives } from '../decide/objectives.ts';
import { ratingOf } from '../decide/rating.ts';
import { steadyObjectives, steadyRating } from '../decide/steady.ts';
import { measuredFrom } from '../metrics/measured.ts';
import { isDeclared, notYet } from './not-implemented.ts';

export interface AssessDeps {
  readonly collector: Collector;
  readonly caches: { readonly pods: PodIndex };
  readonly decisions: Decisions;
  readonly hitRatios: HitRatios;
  readonly clock: { now(): number };
}

type Unobserved<T extends 'MetricsAvailable' | 'ObjectivesMet' | 'ScalerActive'> = Omit<
  NewCondition<T>,
  'observedGeneration'
>;

/** What the measured figures say of a service, for its status: states and coarse values only, so that it seldom changes. */
export interface Assessment {
  readonly conditions: readonly (
    Unobserved<'MetricsAvailable'> | Unobserved<'ObjectivesMet'> | Unobserved<'ScalerActive'>
  )[];
  readonly figures: Pick<GenerationServiceStatus, 'objectives' | 'objectivesMet' | 'rating'>;
  /** By component. */
  readonly components: ReadonlyMap<string, { readonly metricsSource?: string }>;
}

export function assess(resolved: Resolved, deps: AssessDeps): Assessment {
  const seen = resolved.components.map((component) => ({
    component,
    available: availability(resolved, component, deps),
  }));
  const worst = seen.find(({ available }) => available.status !== 'True') ?? seen[0];
  const measured = seen.filter(({ available }) => available.status === 'True');
  const isPending = seen.some(({ available }) => available.status === 'Unknown');
  const { condition, figures } = isPending ? notLookedAt(resolved) : objectives(resolved, deps);
  return {
    conditions: [...(worst === undefined ? [] : [worst.available]), scalerActive(resolved, seen, deps), condition],
    figures,
    components: new Map(measured.map(({ component }) => [component.spec.name, { metricsSource: 'Pods' }])),
  };
}

/** Equal when nobody who reads the status would see a difference worth a write. */
export const statesOf = ({ conditions, figures }: Assessment): string =>
  JSON.stringify([conditions.map(({ type, status, reason }) => [type, status, reason]), figures]);

/** Looks after which an exposition that has no request rate will not get one. */
const patientLooks = 3;

/** Whether decisions about a component stand on fresh figures; if not, the first thing that a person would look at. */
function availability(
  resolved: Resolved,
  component: ResolvedComponent,
  deps: AssessDeps,
): Unobserved<'MetricsAvailable'> {
  const { service } = resolved;
  const { collector, caches } = deps;
  const type = 'MetricsAvailable';
  const { name } = component.spec;
  const key = keyOf(service);
  const no = (
    reason: Unobserved<'MetricsAvailable'>['reason'],
    saw: string,
    wanted: string,
    next: string,
  ): Unobserved<'MetricsAvailable'> => ({
    type,
    status: 'False',
    reason,
    message: problemMessage({ saw: `${saw} of component ${name}`, wanted, next }),
  });
  const pods = selectPods(caches.pods, service.metadata.namespace, component.target.selector);
  const ready = pods.filter((pod) => stateOf(pod) === 'Ready');
  if (ready.length === 0)
    return no(
      'NoPods',
      'no Ready Pod',
      'at least one',
      'kubectl get pods shows why; until then nothing is decided by load',
    );
  if (collector.podRates(key, name).some(({ requestsPerSecond }) => requestsPerSecond !== undefined))
    return { type, status: 'True', reason: 'Fresh', message: 'Every needed signal is fresh.' };
  const [failed] = collector.failuresOf(key, name);
  if (failed !== undefined)
    return no(
      'SourceUnreachable',
      failed.failure.message,
      'the Prometheus exposition of each Pod',
      'check components[].metrics and network policies',
    );
  if (!isReadOften(ready, name, resolved, deps))
    return { type, status: 'Unknown', reason: 'Pending', message: 'The Pods have not been read twice yet.' };
  return no(
    'SignalMissing',
    'no requestRate in the exposition',
    'http_server_request_duration_seconds, or another name in components[].signals',
    'serve it, or map it: signals: [{name: requestRate, metric: …}]',
  );
}

/** Whether what the Pods have not told yet will not come: neither we nor they are new here. */
function isReadOften(
  ready: readonly PodView[],
  component: string,
  { service, policy }: Resolved,
  { collector, clock }: AssessDeps,
): boolean {
  const intervalMs = milliseconds(policy.collector.interval);
  const patienceMs = patientLooks * intervalMs;
  // The policy's window may hold fewer looks than that.
  const windowMs = Math.max(milliseconds(policy.objectives.window), patienceMs + intervalMs);
  const { coveredMs = 0 } = collector.windowOf(keyOf(service), component, windowMs) ?? {};
  return coveredMs >= patienceMs && ready.some(({ readySince = 0 }) => clock.now() - readySince >= patienceMs);
}

/** Objectives and rating as status is to show them. */
function objectives({ service, policy, components }: Resolved, { collector, hitRatios, clock }: AssessDeps) {
  const { status = {} } = service;
  const key = keyOf(service);
  const now = clock.now();
  const windowMs = milliseconds(policy.objectives.window);
  const measured = measuredFrom({
    policy: policy.objectives,
    components: components.map(({ spec: { name } }) => ({ name, figures: collector.windowOf(key, name, windowMs) })),
    redisHitRatio: hitRatios.of(service, now - windowMs),
  });
  const { condition, objectivesMet, ...answer } = judgeObjectives({
    policy: policy.objectives,
    measured: measured.objectives,
    previous: status.objectives,
    now,
  });
  // Six entries that say Unknown are most of a status' size; the condition and `0/6` say it in two words.
  if (status.objectives === undefined && answer.objectives.every(({ state }) => state === 'Unknown'))
    return { condition, figures: { objectivesMet } };
  const figures = {
    objectives: steadyObjectives(status.objectives, [...answer.objectives], now),
    objectivesMet,
    rating: steadyRating(status.rating, ratingOf({ policy: policy.rating, ...measured.rating })),
  };
  return { condition, figures };
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
  return { condition, figures };
}

type Seen = { readonly component: ResolvedComponent; readonly available: Unobserved<'MetricsAvailable'> };

/** Whether floors are moved; if not, why. */
function scalerActive(
  resolved: Resolved,
  seen: readonly Seen[],
  { decisions }: AssessDeps,
): Unobserved<'ScalerActive'> {
  const type = 'ScalerActive';
  if (resolved.mode === 'Paused')
    return { type, status: 'False', reason: 'Paused', message: 'The service is paused: no floor is moved.' };
  const problem = decisions.of(resolved.service)?.problem;
  if (problem !== undefined) return { type, status: 'False', reason: 'Conflict', message: problem.message };
  const shadowed = seen.filter(({ component }) => shadowedMetrics(component).length > 0);
  const named = (of: readonly Seen[]): string => of.map(({ component }) => component.spec.name).join(', ');
  const blind = shadowed.filter(({ available }) => available.status === 'False');
  if (blind.length > 0)
    return {
      type,
      status: 'False',
      reason: 'MetricsStale',
      message: `saw no fresh requests_per_second of ${named(blind)}; wanted one for each Pod; next: see MetricsAvailable; the floor stays where it is`,
    };
  if (shadowed.some(({ available }) => available.status === 'Unknown'))
    return { type, status: 'Unknown', reason: 'Pending', message: 'The Pods have not been read twice yet.' };
  if (isDeclared(resolved, 'scaler'))
    return {
      type,
      status: 'Unknown',
      reason: 'NotImplemented',
      message: `${notYet('scaler')}; floors follow minReplicas and Pods metrics`,
    };
  if (resolved.mode === 'DryRun')
    return { type, status: 'True', reason: 'DryRun', message: 'Floors are decided and not moved.' };
  const message =
    shadowed.length === 0
      ? 'Each floor is the policy’s minReplicas: the HPA reads every metric itself.'
      : `requests_per_second is folded into the floor of ${named(shadowed)}.`;
  return { type, status: 'True', reason: 'Active', message };
}
