import { Type, type Static } from 'typebox';
import { rfc3339 } from '../../api/rfc3339.ts';
import type { GenerationServiceStatus } from '../../api/status.ts';
import { attainmentText } from '../../decide/attainment.ts';
import { burnWindows, paceOf, type BurnWindow } from '../../decide/burn.ts';
import { judgeObjectives } from '../../decide/objectives.ts';
import { ratingOf, type Rating } from '../../decide/rating.ts';
import { measuredFrom } from '../../metrics/measured.ts';
import { Decision, lastMoves, newestLooks } from './decisions.ts';
import { figure, known, megabytes, serviceName, ServiceName, textOrNull, time, timeOrNull, view } from './figures.ts';
import type { ViewInput } from './figures.ts';
import { trendOf } from '../../decide/trend.ts';
import type { Rows } from './rows.ts';
import { NginxWeights, nginxWeights } from './weights.ts';

const grade = Type.Enum(['Excellent', 'Good', 'Fair', 'Poor', 'Unknown'], {
  type: 'string',
  description: 'Unknown while fewer than half of the points are known.',
});
const RatingView = view('How the service is graded, over the parts that are known.', {
  grade,
  score: figure('Points.'),
  scoredOf: Type.Integer({ description: 'Points that could be had: less than 100 while parts are unknown.' }),
  parts: view('Points by part.', {
    cpu: figure('Points.'),
    memory: figure('Points.'),
    responseTime: figure('Points.'),
    cacheHitRatio: figure('Points.'),
  }),
});

const Trend = view('Means over the window; of loads, over the snapshots in which every Pod told its own.', {
  windowSeconds: Type.Number({ description: 'The window.' }),
  count: Type.Integer({ description: 'Snapshots in it.' }),
  averages: view('Means of the snapshots.', {
    cpuPercent: figure('Of the limits, else of the requests.'),
    memoryMb: figure('The highest of a Pod, in units of 2^20 bytes.'),
    requestRate: figure('Requests per second. null: a component told no whole load.'),
    responseTimeP95: figure('In seconds.'),
    activeConnections: figure('Requests being served. null: a component told no whole load.'),
    cacheHitRatio: figure('0 to 1, from the source that the policy names.'),
    errorRate: figure('Share of responses with a 5xx status, 0 to 1.'),
  }),
  rating: RatingView,
});

const Objective = view('One objective and how it stands.', {
  name: Type.String({ description: 'WorkflowDuration, Memory, …' }),
  component: textOrNull('Component that it was measured on.'),
  source: Type.Unsafe<'Redis' | 'Workload' | null>({
    enum: ['Redis', 'Workload', null],
    description: 'Of CacheHitRatio: whose look-ups are judged. null: of an objective that has one figure only.',
  }),
  state: Type.Enum(['Met', 'NotMet', 'Unknown', 'NotExercised'], { type: 'string', description: 'Whether it is met.' }),
  target: textOrNull('The target of the effective policy.'),
  percentile: Type.Unsafe<number | null>({
    type: ['number', 'null'],
    description: 'Of a time: which percentile is to reach the target. null: of an objective that is none.',
  }),
  measured: textOrNull('The last measured value.'),
  since: timeOrNull('Since when the state holds.'),
  attainment: textOrNull('Share of the attainment window in which it was met.'),
  observedAt: timeOrNull('When it was measured.'),
  burnRates: view('How many times faster than allowed the error budget (1 % of the time) is used up, by window.', {
    '5m': figure('100 is never met.'),
    '30m': figure('100 is never met.'),
    '1h': figure('100 is never met.'),
    '6h': figure('100 is never met.'),
    '3d': figure('100 is never met.'),
  }),
  burning: Type.Unsafe<'1h' | '6h' | '3d' | null>({
    enum: ['1h', '6h', '3d', null],
    description:
      'The long window of the fastest pair that burns too fast: 1h (with 5m), 6h (30m), 3d (6h). null: none.',
  }),
});

const Condition = view('One condition; docs/reference/conditions.md lists them all.', {
  type: Type.String({ description: 'What it is about.' }),
  status: Type.Enum(['True', 'False', 'Unknown'], { type: 'string', description: 'Whether it holds.' }),
  reason: Type.String({ description: 'One word for why.' }),
  message: Type.String({ description: 'What was seen, what was wanted and the next step.' }),
  lastTransitionTime: time('When status last changed.'),
});

export const PerformanceStatus = view('View B1: how the service performs, and what was decided about it.', {
  service: ServiceName,
  observedAt: time('When this was answered.'),
  mode: Type.String({ description: 'Enforce, DryRun or Paused.' }),
  ready: view('The condition Ready.', {
    status: Type.Enum(['True', 'False', 'Unknown'], { type: 'string', description: 'Whether it holds.' }),
    reason: textOrNull('One word for why.'),
    message: textOrNull('What was seen, what was wanted and the next step.'),
  }),
  rating: RatingView,
  trend: Trend,
  objectives: Type.Array(Objective, { description: 'As in status, with the figures of this moment.' }),
  objectivesMet: Type.String({ description: 'Objectives that are met, of those that count, for example 5/6.' }),
  decisions: Type.Array(Decision, {
    description: 'The last on each component that changed something, newest first.',
  }),
  newestDecisions: Type.Array(Decision, {
    description: 'The newest on each component, also where it changes nothing. Without an autoscaler there is none.',
  }),
  weights: Type.Array(NginxWeights, { description: 'Of the Pods behind each nginx that runs our agent.' }),
  conditions: Type.Array(Condition, { description: 'As in status.' }),
});
export type PerformanceStatus = Static<typeof PerformanceStatus>;

export interface PerformanceStatusInput extends ViewInput {
  readonly trend: { readonly windowMs: number; readonly rows: readonly Rows[] };
}

export function performanceStatus(input: PerformanceStatusInput): PerformanceStatus {
  const { service, policy, components, redisHitRatio, now } = input;
  const { status = {} } = service;
  const measured = measuredFrom({ policy: policy.objectives, components, redisHitRatio });
  const { objectives, objectivesMet } = judgeObjectives({
    policy: policy.objectives,
    measured: measured.objectives,
    previous: status.objectives,
    now,
  });
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return {
    service: serviceName(service),
    observedAt: rfc3339(now),
    mode: status.mode ?? service.spec.mode,
    ready: { status: ready?.status ?? 'Unknown', reason: ready?.reason ?? null, message: ready?.message ?? null },
    rating: ratingView(ratingOf({ policy: policy.rating, ...measured.rating })),
    trend: trendView(input),
    objectives: objectives.map((fresh) => objectiveView(fresh, input)),
    objectivesMet: status.objectivesMet ?? objectivesMet,
    decisions: lastMoves(input),
    newestDecisions: newestLooks(input),
    weights: (input.weights ?? []).map(nginxWeights),
    conditions: (status.conditions ?? []).map(({ type, status: holds, reason, message, lastTransitionTime }) => ({
      type,
      status: holds,
      reason,
      message,
      lastTransitionTime,
    })),
  };
}

type ObjectiveEntry = NonNullable<GenerationServiceStatus['objectives']>[number];

/** What was settled over several looks is as status says it; the figure and what was counted are of this moment. */
function objectiveView(
  fresh: ObjectiveEntry,
  { service: { status = {} }, policy, standing, now }: ViewInput,
): Static<typeof Objective> {
  const { name, component, target, measured, observedAt } = fresh;
  const said = status.objectives?.find((one) => one.name === name && one.target === target) ?? fresh;
  const attainment = standing?.attainment(name, now);
  const rates = standing?.burnRates(name, now) ?? {};
  const burnRates = Object.keys(burnWindows).map((window) => [window, known(rates[window as BurnWindow])]);
  return {
    name,
    component: component ?? null,
    source: name === 'CacheHitRatio' ? policy.objectives.cacheHitRatio.source : null,
    state: said.state,
    target: target ?? null,
    percentile: percentileOf(name, policy.objectives) ?? null,
    measured: measured ?? null,
    since: said.since ?? null,
    attainment: (attainment === undefined ? said.attainment : attainmentText(attainment)) ?? null,
    observedAt: observedAt ?? null,
    burnRates: Object.fromEntries(burnRates) as Static<typeof Objective>['burnRates'],
    burning: paceOf(rates)?.long ?? null,
  };
}

function percentileOf(name: string, { workflowDuration, cachedResponseTime }: ViewInput['policy']['objectives']) {
  const times: Readonly<Record<string, number>> = {
    WorkflowDuration: workflowDuration.percentile,
    CachedResponseTime: cachedResponseTime.percentile,
  };
  return times[name];
}

function ratingView({ grade: graded, score, scoredOf, parts }: Rating): Static<typeof RatingView> {
  return {
    grade: graded ?? 'Unknown',
    score: score ?? null,
    scoredOf: scoredOf ?? 0,
    parts: {
      cpu: parts?.cpu ?? null,
      memory: parts?.memory ?? null,
      responseTime: parts?.responseTime ?? null,
      cacheHitRatio: parts?.cacheHitRatio ?? null,
    },
  };
}

function trendView({ policy, redisHitRatio, trend: asked }: PerformanceStatusInput): Static<typeof Trend> {
  const isOfRedis = policy.objectives.cacheHitRatio.source === 'Redis';
  const { windowSeconds, count, averages, rating } = trendOf({
    rating: policy.rating,
    windowSeconds: asked.windowMs / 1_000,
    components: asked.rows.map(({ figures }) => figures),
    ...(isOfRedis ? { cacheServer: { hitRatio: redisHitRatio?.value } } : {}),
  });
  return {
    windowSeconds,
    count,
    averages: {
      cpuPercent: known(averages.cpuPercent),
      memoryMb: megabytes(averages.memoryBytes),
      activeConnections: known(averages.activeConnections),
      requestRate: known(averages.requestRate),
      responseTimeP95: known(averages.responseTimeP95),
      cacheHitRatio: known(averages.cacheHitRatio),
      errorRate: known(averages.errorRatio),
    },
    rating: ratingView(rating),
  };
}
