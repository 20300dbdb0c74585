import { objectiveNames } from '../api/status.ts';
import type { EffectivePolicy } from '../decide/effective-policy.ts';
import type { Measured, ObjectiveName, Observation } from '../decide/objectives.ts';
import type { RatingInput } from '../decide/rating.ts';
import { isLowerBound, type ComponentFigures, type Timed } from './component-figures.ts';
import { quantile, together, type Histogram } from './histogram.ts';
import type { HistogramName } from './signals.ts';

export interface MeasuredInput {
  readonly policy: EffectivePolicy['objectives'];
  /** Over the policy's window; undefined for a component that is not tracked. */
  readonly components: readonly { readonly name: string; readonly figures: ComponentFigures | undefined }[];
  /** From the observation of the redis lever. */
  readonly redisHitRatio?: Observation | undefined;
  /** Its servers answered, and had too few look-ups for a ratio. */
  readonly isRedisIdle?: boolean | undefined;
}

export interface MeasuredAnswer {
  readonly objectives: Measured;
  readonly rating: Omit<RatingInput, 'policy'>;
}

interface Named {
  readonly name: string;
  readonly figures: ComponentFigures;
}

/** What objectives and rating are judged by, from the figures of all components: times over all of them together, everything else of the component that is worst. */
export function measuredFrom({
  policy,
  components,
  redisHitRatio,
  isRedisIdle = false,
}: MeasuredInput): MeasuredAnswer {
  const known = components.flatMap(({ name, figures }): readonly Named[] =>
    figures === undefined ? [] : [{ name, figures }],
  );
  const highest = (of: (figures: ComponentFigures) => Timed | undefined): Observation | undefined =>
    extreme(known, of, 1);
  const workloadHitRatio = extreme(known, ({ cacheHitRatio }) => cacheHitRatio, -1);
  const memory = highest(({ memoryBytes }) => memoryBytes);
  const kills = known.flatMap(({ figures: { oomKilledAt } }) => (oomKilledAt === undefined ? [] : [oomKilledAt]));
  const hits = policy.cacheHitRatio.source === 'Redis' ? redisHitRatio : workloadHitRatio;
  return {
    objectives: {
      workflowDuration: percentile(known, 'workflowDuration', policy.workflowDuration.percentile),
      cachedResponseTime: percentile(known, 'cachedResponseTime', policy.cachedResponseTime.percentile),
      workflowsInFlight: inFlight(known),
      memory,
      oomKilledAt: kills.length === 0 ? undefined : Math.max(...kills),
      redisHitRatio,
      workloadHitRatio,
      successRatio: complement(highest(({ errorRatio }) => errorRatio)),
      idle: idleOf(components, policy.cacheHitRatio.source === 'Redis' ? isRedisIdle : undefined),
    },
    rating: {
      cpuPercent: highest(({ cpuPercent }) => cpuPercent)?.value,
      memoryBytes: memory?.value,
      responseTimeP95: percentile(known, 'responseTime', 95),
      cacheHitRatio: hits?.value,
    },
  };
}

/**
 * What is known not to have been asked for. Only where every component answers: one that does not may be busy.
 *
 * @param isRedisIdle undefined: the hit ratio is that of the workload.
 */
function idleOf(components: MeasuredInput['components'], isRedisIdle: boolean | undefined): readonly ObjectiveName[] {
  const all = components.flatMap(({ figures }) => (figures === undefined || figures.podsAnswered === 0 ? [] : figures));
  const isAnswered = all.length > 0 && all.length === components.length;
  // What runs and has not ended is in no histogram yet.
  const isQuiet = isAnswered && all.every(({ inFlightMax }) => (inFlightMax?.value ?? 0) === 0);
  const isZero = (rate: 'answerRate' | 'lookupRate'): boolean => {
    const known = all.flatMap(({ [rate]: figure }) => figure?.value ?? []);
    return known.length > 0 && known.every((value) => value === 0);
  };
  const histogramsOf = (name: HistogramName): readonly Histogram[] =>
    all.flatMap(({ histograms }) => histograms[name] ?? []);
  const isEmpty = (seen: readonly Histogram[]): boolean => seen.length > 0 && seen.every(({ count }) => count === 0);
  const [cached, asked] = [histogramsOf('cachedResponseTime'), histogramsOf('responseTime')];
  // Requests without the mark of a cached answer: nobody knows whether the workload ever sets it, unless it did before.
  const isCachedIdle = isEmpty(cached) && (isEmpty(asked) || cached.some(({ bounds }) => bounds.length > 0));
  const isIdle: Partial<Record<ObjectiveName, boolean>> = {
    WorkflowDuration: isQuiet && isEmpty(histogramsOf('workflowDuration')),
    CachedResponseTime: isQuiet && isCachedIdle,
    CacheHitRatio: isRedisIdle ?? (isAnswered && isZero('lookupRate')),
    SuccessRatio: isQuiet && isZero('answerRate'),
  };
  return objectiveNames.filter((name) => isIdle[name] === true);
}

/** The highest (`sign` 1) or lowest (-1) of what is known. */
function extreme(
  components: readonly Named[],
  of: (figures: ComponentFigures) => Timed | undefined,
  sign: 1 | -1,
): Observation | undefined {
  const seen = components.flatMap(({ name, figures }) => {
    const figure = of(figures);
    return figure === undefined ? [] : [{ value: figure.value, observedAt: figure.observedAt, component: name }];
  });
  return seen.toSorted((a, b) => sign * (b.value - a.value))[0];
}

/** Of all components that tell of it. */
function inFlight(components: readonly Named[]): Observation | undefined {
  const seen = components.flatMap(({ figures: { inFlightMax } }) => inFlightMax ?? []);
  if (seen.length === 0) return undefined;
  const all = components.map(({ figures }) => figures);
  const isBound = isLowerBound(all, 'inFlight');
  return {
    value: seen.reduce((sum, { value }) => sum + value, 0),
    observedAt: Math.min(...seen.map(({ observedAt }) => observedAt)),
    ...(isBound && { atLeast: true as const }),
  };
}

function percentile(components: readonly Named[], name: HistogramName, percent: number): Observation | undefined {
  const seen = components.flatMap((component) => {
    const histogram = component.figures.histograms[name];
    return histogram === undefined ? [] : [{ histogram, component: component.name }];
  });
  const all = seen.reduce<Histogram | undefined>((sum, { histogram }) => together(sum, histogram), undefined);
  const answer = all === undefined ? undefined : quantile(all, percent / 100);
  if (answer === undefined) return undefined;
  const [only, another] = seen;
  return {
    ...answer,
    observedAt: Math.min(...seen.map(({ histogram }) => histogram.observedAt)),
    ...(only === undefined || another !== undefined ? {} : { component: only.component }),
  };
}

const complement = (errors: Observation | undefined): Observation | undefined =>
  errors === undefined ? undefined : { ...errors, value: 1 - errors.value };
