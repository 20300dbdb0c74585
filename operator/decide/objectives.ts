import type { NewCondition } from '../api/conditions.ts';
import { seconds } from '../api/duration.ts';
import { problemMessage } from '../api/problem.ts';
import { bytes } from '../api/quantity.ts';
import { ratio } from '../api/ratio.ts';
import { rfc3339 } from '../api/rfc3339.ts';
import type { GenerationServiceStatus, objectiveNames } from '../api/status.ts';
import type { EffectivePolicy } from './effective-policy.ts';

export type ObjectiveName = (typeof objectiveNames)[number];
type ObjectiveState = ObjectiveEntry['state'];
/** An entry of status.objectives. */
type ObjectiveEntry = NonNullable<GenerationServiceStatus['objectives']>[number];

/** A figure in its base unit: seconds, bytes, a ratio or a count. */
export interface Observation {
  readonly value: number;
  /** ms since the epoch. */
  readonly observedAt: number;
  /** Absent: the service as a whole. */
  readonly component?: string;
  /** Only a lower bound is known: the quantile lies beyond the last bucket of its histogram. */
  readonly atLeast?: true;
}

/** What was measured over `objectives.window`. Absent is unknown: nothing was measured, or it is stale. */
export interface Measured {
  /** The percentile that the policy asks for. */
  readonly workflowDuration?: Observation | undefined;
  readonly cachedResponseTime?: Observation | undefined;
  /** The highest of the window, all components together. */
  readonly workflowsInFlight?: Observation | undefined;
  /** The highest that one Pod had. */
  readonly memory?: Observation | undefined;
  /** ms since the epoch; when a container was last killed for its memory. */
  readonly oomKilledAt?: number | undefined;
  readonly redisHitRatio?: Observation | undefined;
  readonly workloadHitRatio?: Observation | undefined;
  readonly successRatio?: Observation | undefined;
}

export interface ObjectivesInput {
  readonly policy: EffectivePolicy['objectives'];
  readonly measured: Measured;
  /** status.objectives of the visit before: since when a state holds. */
  readonly previous: GenerationServiceStatus['objectives'] | undefined;
  /** ms since the epoch. */
  readonly now: number;
}

export interface ObjectivesAnswer {
  /** In the order of the guide, without those whose mode is Off. */
  readonly objectives: readonly ObjectiveEntry[];
  /** Those met, of the Required ones that were exercised: `5/6`. */
  readonly objectivesMet: string;
  readonly condition: Omit<NewCondition<'ObjectivesMet'>, 'observedGeneration'>;
}

interface Judged {
  readonly name: ObjectiveName;
  readonly mode: EffectivePolicy['objectives']['memory']['mode'];
  readonly state: ObjectiveState;
  readonly target: string;
  readonly observation: Observation | undefined;
  readonly format: (value: number) => string;
}

/**
 * Objectives A1 to A6 by what was measured. A target itself counts as kept. No data is Unknown, never Met.
 */
export function judgeObjectives({ policy, measured, previous, now }: ObjectivesInput): ObjectivesAnswer {
  const all = judge(policy, measured, now).filter(({ mode }) => mode !== 'Off');
  const required = all.filter(({ mode, state }) => mode === 'Required' && state !== 'NotExercised');
  return {
    objectives: all.map((one) => entryOf(one, previous, now)),
    objectivesMet: `${required.filter(({ state }) => state === 'Met').length}/${required.length}`,
    condition: conditionOf(required),
  };
}

function judge(policy: EffectivePolicy['objectives'], measured: Measured, now: number): readonly Judged[] {
  const { workflowDuration, concurrentWorkflows, cachedResponseTime, memory, cacheHitRatio, successRatio } = policy;
  const hits = cacheHitRatio.source === 'Redis' ? measured.redisHitRatio : measured.workloadHitRatio;
  const isOomKilled =
    measured.oomKilledAt !== undefined && now - measured.oomKilledAt <= seconds(policy.window) * 1_000;
  const duration = atMost(measured.workflowDuration, seconds(workflowDuration.target));
  const success = atLeast(measured.successRatio, ratio(successRatio.target));
  return [
    {
      name: 'WorkflowDuration',
      ...workflowDuration,
      state: duration,
      observation: measured.workflowDuration,
      format: timed(workflowDuration.target),
    },
    {
      name: 'ConcurrentWorkflows',
      mode: concurrentWorkflows.mode,
      state: underLoad(measured.workflowsInFlight, concurrentWorkflows.target, [duration, success]),
      target: String(concurrentWorkflows.target),
      observation: measured.workflowsInFlight,
      format: (value) => String(Math.round(value)),
    },
    {
      name: 'CachedResponseTime',
      ...cachedResponseTime,
      state: atMost(measured.cachedResponseTime, seconds(cachedResponseTime.target)),
      observation: measured.cachedResponseTime,
      format: timed(cachedResponseTime.target),
    },
    {
      name: 'Memory',
      mode: memory.mode,
      state: isOomKilled ? 'NotMet' : atMost(measured.memory, bytes(memory.target)),
      target: String(memory.target),
      observation: measured.memory,
      format: (value) => formatBytes(value, String(memory.target)),
    },
    {
      name: 'CacheHitRatio',
      ...cacheHitRatio,
      state: atLeast(hits, ratio(cacheHitRatio.target)),
      observation: hits,
      format: formatRatio,
    },
    { name: 'SuccessRatio', ...successRatio, state: success, observation: measured.successRatio, format: formatRatio },
  ];
}

function atMost(seen: Observation | undefined, target: number): ObjectiveState {
  if (seen === undefined) return 'Unknown';
  if (seen.value > target) return 'NotMet';
  if (seen.atLeast === true) return seen.value === target ? 'NotMet' : 'Unknown'; // the quantile is above its bound, nobody knows how far
  return 'Met';
}

function atLeast(seen: Observation | undefined, target: number): ObjectiveState {
  if (seen === undefined) return 'Unknown';
  return seen.value >= target ? 'Met' : 'NotMet';
}

/** A load counts as carried when the others were met under it; below the load nothing is said. */
function underLoad(
  inFlight: Observation | undefined,
  target: number,
  others: readonly ObjectiveState[],
): ObjectiveState {
  if (inFlight === undefined) return 'Unknown';
  if (inFlight.value < target) return 'NotExercised';
  if (others.includes('NotMet')) return 'NotMet';
  return others.every((state) => state === 'Met') ? 'Met' : 'Unknown';
}

function entryOf(
  { name, state, target, observation, format }: Judged,
  previous: ObjectivesInput['previous'],
  now: number,
): ObjectiveEntry {
  const before = previous?.find((entry) => entry.name === name);
  const since = before?.state === state && before.since !== undefined ? before.since : rfc3339(now);
  if (observation === undefined) return { name, state, target, since };
  const { value, observedAt, component, atLeast: isBound } = observation;
  return {
    name,
    ...(component === undefined ? {} : { component }),
    state,
    target,
    measured: `${isBound === true ? '>' : ''}${format(value)}`,
    since,
    observedAt: rfc3339(observedAt),
  };
}

/** Its message names objectives and targets, not figures: those move, and stand in status.objectives. */
function conditionOf(required: readonly Judged[]): ObjectivesAnswer['condition'] {
  const type = 'ObjectivesMet';
  const named = (state: ObjectiveState): string =>
    required
      .filter((one) => one.state === state)
      .map(({ name, target }) => `${name} (${target})`)
      .join(', ');
  const [notMet, unknown] = [named('NotMet'), named('Unknown')];
  if (notMet !== '') {
    const message = problemMessage({
      saw: `not met: ${notMet}`,
      wanted: 'every required objective met',
      next: 'genops status shows what was measured beside each target',
    });
    return { type, status: 'False', reason: 'NotMet', message };
  }
  if (unknown !== '') {
    const message = problemMessage({
      saw: `no data for ${unknown}`,
      wanted: 'every required objective measured',
      next: 'see the condition MetricsAvailable',
    });
    return { type, status: 'Unknown', reason: 'Unknown', message };
  }
  return { type, status: 'True', reason: 'Met', message: 'Every required objective that was exercised is met.' };
}

const timed =
  (target: string) =>
  (value: number): string =>
    formatSeconds(value, target);

/** In milliseconds where the target is written in them, else in seconds. */
function formatSeconds(value: number, target: string): string {
  return target.endsWith('ms') ? `${Math.round(value * 1_000)}ms` : `${significant(value)}s`;
}

/** In the unit of the target: `1610Mi` beside `2048Mi`. */
function formatBytes(value: number, target: string): string {
  const suffix = /[a-zA-Z]+$/.exec(target)?.[0] ?? '';
  return `${significant(value / bytes(`1${suffix}`))}${suffix}`;
}

const formatRatio = (value: number): string => String(Math.round(value * 10_000) / 10_000);

/** Three digits, more only where they stand before the point. */
const significant = (value: number): string => String(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
