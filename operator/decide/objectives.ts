import type { NewCondition } from '../api/conditions.ts';
import { metricNames, type SignalName } from '../api/contract.ts';
import { seconds } from '../api/duration.ts';
import { problemMessage } from '../api/problem.ts';
import { bytes } from '../api/quantity.ts';
import { ratio } from '../api/ratio.ts';
import { rfc3339 } from '../api/rfc3339.ts';
import { objectiveNames, type GenerationServiceStatus } from '../api/status.ts';
import { attainmentText } from './attainment.ts';
import { capacityMessage, type FullComponent } from './capacity.ts';
import type { EffectivePolicy } from './effective-policy.ts';
import { isClearlyAbove, isClearlyBelow, isExercised, lastTold, settle, type ObjectiveState } from './hysteresis.ts';
import { significant } from './significant.ts';

export type ObjectiveName = (typeof objectiveNames)[number];
/** An entry of status.objectives. */
type ObjectiveEntry = NonNullable<GenerationServiceStatus['objectives']>[number];

/** A figure in its base unit: seconds, bytes, a ratio or a count. */
export interface Observation {
  readonly value: number;
  /** ms since the epoch. */
  readonly observedAt: number;
  /** Absent: the service as a whole. */
  readonly component?: string;
  /** Only a lower bound is known: the quantile lies beyond the last bucket of its histogram, or a Pod leaves out its part of the sum. */
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
  /** Those without a figure because it is known that nothing of theirs was asked for: the metric is there, and counted nothing. */
  readonly idle?: readonly ObjectiveName[] | undefined;
  /** Those without a figure because this process has not looked for a whole window yet: what was said of them before it started is better known. */
  readonly tooEarly?: readonly ObjectiveName[] | undefined;
}

export interface ObjectivesInput {
  readonly policy: EffectivePolicy['objectives'];
  readonly measured: Measured;
  /** status.objectives of the visit before: since when a state holds, and what was missed and has to come back clearly. */
  readonly previous: GenerationServiceStatus['objectives'] | undefined;
  /** What status said last of each that it was met or missed, where it has become unknown since; a restart loses it. */
  readonly told?: GenerationServiceStatus['objectives'] | undefined;
  /** Of the look before; a restart loses it, and it is counted anew. */
  readonly insideSince?: InsideSince | undefined;
  /** Share of the attainment window; undefined where nothing was judged in it. */
  readonly attainment?: ((name: ObjectiveName) => number | undefined) | undefined;
  /** MetricsAvailable is True: what has no figure all the same is not told, or is none. */
  readonly isFresh?: boolean | undefined;
  /** All components are read from JSON views: metrics have no names there. */
  readonly isOfViews?: boolean | undefined;
  /** Components that get no more replicas. */
  readonly full?: readonly FullComponent[] | undefined;
  /** ms since the epoch. */
  readonly now: number;
}

/** ms since the epoch: since when the figure of an objective that is still said to be missed is inside its target. */
export type InsideSince = Readonly<Partial<Record<ObjectiveName, number>>>;

/** One objective by a single look. */
export interface JudgedObjective {
  readonly name: ObjectiveName;
  /** By the figure alone. */
  readonly judged: ObjectiveState;
  /** In the base unit of the figure: seconds, bytes, a ratio or a count. */
  readonly goal: number;
  readonly observation: Observation | undefined;
  /** What misses it, where that is no figure; to be put behind its target. */
  readonly cause?: string | undefined;
}

export interface ObjectivesAnswer {
  /** In the order of the guide, without those whose mode is Off. */
  readonly objectives: readonly ObjectiveEntry[];
  /** Those met, of the Required ones that were exercised: `5/6`. */
  readonly objectivesMet: string;
  readonly condition: Omit<NewCondition<'ObjectivesMet'>, 'observedGeneration'>;
  /** The look itself: for roll-ups, metrics and the next look. */
  readonly looked: readonly JudgedObjective[];
  readonly insideSince: InsideSince;
}

interface Judged extends JudgedObjective {
  readonly mode: EffectivePolicy['objectives']['memory']['mode'];
  readonly target: string;
  readonly isClear: boolean;
  readonly format: (value: number) => string;
}

interface Stated extends Judged {
  readonly state: ObjectiveState;
  readonly insideSince: number | undefined;
  readonly isHeld?: boolean;
}

/**
 * Objectives A1 to A6 by what was measured. A target itself counts as kept. No data is Unknown, never Met.
 * One that was missed is met again when its figure is inside the target by the dead band, or has been inside for long (hysteresis.ts).
 */
export function judgeObjectives(input: ObjectivesInput): ObjectivesAnswer {
  const { policy, measured, now } = input;
  const single = judge(policy, measured, now).map((one) => orNotExercised(one, measured));
  const stated = single.map((one) => heldBefore(one, input) ?? state(one, input));
  const all = [...stated, concurrency(input, single, stated)]
    .filter(({ mode }) => mode !== 'Off')
    .toSorted((a, b) => objectiveNames.indexOf(a.name) - objectiveNames.indexOf(b.name));
  const required = all.filter(({ mode, state: said }) => mode === 'Required' && said !== 'NotExercised');
  return {
    objectives: all.map((one) => entryOf(one, input)),
    objectivesMet: `${required.filter(({ state: said }) => said === 'Met').length}/${required.length}`,
    condition: conditionOf(required, input),
    looked: all.map(({ name, judged, goal, observation, cause }) => ({ name, judged, goal, observation, cause })),
    insideSince: Object.fromEntries(
      all.flatMap(({ name, insideSince }) => (insideSince === undefined ? [] : [[name, insideSince]])),
    ),
  };
}

/** All but ConcurrentWorkflows, which stands on two of them. */
function judge(policy: EffectivePolicy['objectives'], measured: Measured, now: number): readonly Judged[] {
  const { workflowDuration, cachedResponseTime, memory, cacheHitRatio, successRatio } = policy;
  const hits = cacheHitRatio.source === 'Redis' ? measured.redisHitRatio : measured.workloadHitRatio;
  const isOomKilled =
    measured.oomKilledAt !== undefined && now - measured.oomKilledAt <= seconds(policy.window) * 1_000;
  const memoryVerdict = atMost(measured.memory, bytes(memory.target));
  return [
    {
      name: 'WorkflowDuration',
      ...workflowDuration,
      ...atMost(measured.workflowDuration, seconds(workflowDuration.target)),
      format: timed(workflowDuration.target),
    },
    {
      name: 'CachedResponseTime',
      ...cachedResponseTime,
      ...atMost(measured.cachedResponseTime, seconds(cachedResponseTime.target)),
      format: timed(cachedResponseTime.target),
    },
    {
      name: 'Memory',
      mode: memory.mode,
      target: String(memory.target),
      ...memoryVerdict,
      judged: isOomKilled ? 'NotMet' : memoryVerdict.judged,
      cause: isOomKilled ? '; a container was killed for its memory (OOMKilled)' : undefined,
      format: (value) => formatBytes(value, String(memory.target)),
    },
    { name: 'CacheHitRatio', ...cacheHitRatio, ...atLeast(hits, ratio(cacheHitRatio.target)), format: formatRatio },
    {
      name: 'SuccessRatio',
      ...successRatio,
      ...atLeast(measured.successRatio, ratio(successRatio.target)),
      format: formatRatio,
    },
  ];
}

const orNotExercised = (one: Judged, { idle = [] }: Measured): Judged =>
  one.judged === 'Unknown' && idle.includes(one.name) ? { ...one, judged: 'NotExercised' } : one;

type Verdict = Pick<Judged, 'judged' | 'isClear' | 'goal' | 'observation'>;

function atMost(observation: Observation | undefined, goal: number): Verdict {
  const verdict = (judged: ObjectiveState, isClear = false): Verdict => ({ judged, isClear, goal, observation });
  if (observation === undefined) return verdict('Unknown');
  const { value } = observation;
  if (value > goal) return verdict('NotMet');
  // The quantile is above its bound, nobody knows how far.
  if (observation.atLeast === true) return verdict(value === goal ? 'NotMet' : 'Unknown');
  return verdict('Met', isClearlyBelow(value, goal));
}

function atLeast(observation: Observation | undefined, goal: number): Verdict {
  const value = observation?.value;
  const judged = value === undefined ? 'Unknown' : value >= goal ? 'Met' : 'NotMet';
  return { judged, isClear: value !== undefined && isClearlyAbove(value, goal), goal, observation };
}

function state(one: Judged, { previous, told, insideSince, now }: ObjectivesInput): Stated {
  const before = saidBefore(lastTold(told, previous), one);
  return { ...one, ...settle({ ...one, before, insideSince: insideSince?.[one.name], now }) };
}

/** After a restart: the last word of the process before, as long as no figure contradicts it. */
function heldBefore(one: Judged, { previous, measured: { tooEarly = [] } }: ObjectivesInput): Stated | undefined {
  const before = saidBefore(previous, one);
  const isTelling = one.observation !== undefined || one.judged === 'NotMet'; // an OOM kill is, without a figure
  if (isTelling || !tooEarly.includes(one.name) || before === undefined || before === 'Unknown') return undefined;
  return { ...one, state: before, insideSince: undefined, isHeld: true };
}

/** A load counts as carried when durations and success were met under it; below the load nothing is said. */
function concurrency(
  { policy: { concurrentWorkflows }, measured: { workflowsInFlight: observation }, previous }: ObjectivesInput,
  single: readonly Judged[],
  stated: readonly Stated[],
): Stated {
  const { mode, target: goal } = concurrentWorkflows;
  const name = 'ConcurrentWorkflows';
  const target = String(goal);
  const before = saidBefore(previous, { name, target });
  const wasExercised = before === 'Met' || before === 'NotMet';
  const under = (others: readonly ObjectiveState[]): ObjectiveState => {
    if (observation === undefined) return 'Unknown';
    if (!isExercised(observation.value, goal, wasExercised))
      return observation.atLeast === true ? 'Unknown' : 'NotExercised'; // what a Pod does not tell may be the rest of it
    if (others.includes('NotMet')) return 'NotMet';
    return others.every((other) => other === 'Met') ? 'Met' : 'Unknown';
  };
  const carries = ({ name: other }: Judged): boolean => other === 'WorkflowDuration' || other === 'SuccessRatio';
  return {
    name,
    mode,
    target,
    goal,
    observation,
    judged: under(single.filter(carries).map(({ judged }) => judged)),
    state: under(stated.filter(carries).map(({ state: said }) => said)), // these have settled already
    isClear: true,
    insideSince: undefined,
    format: (value) => String(Math.round(value)),
  };
}

/** Of another target nothing was said yet. */
const saidBefore = (
  previous: ObjectivesInput['previous'],
  { name, target }: Pick<Judged, 'name' | 'target'>,
): ObjectiveState | undefined => previous?.find((entry) => entry.name === name && entry.target === target)?.state;

function entryOf(
  { name, state: said, target, observation, format, isHeld = false }: Stated,
  { previous, attainment, now }: ObjectivesInput,
): ObjectiveEntry {
  const before = previous?.find((entry) => entry.name === name);
  const since = before?.state === said && before.since !== undefined ? before.since : rfc3339(now);
  const share = attainment?.(name);
  const entry = { name, state: said, target, since, ...(share !== undefined && { attainment: attainmentText(share) }) };
  if (observation === undefined) return isHeld ? { ...before, ...entry } : entry;
  const { value, observedAt, component, atLeast: isBound } = observation;
  return {
    ...entry,
    ...(component !== undefined && { component }),
    measured: `${isBound === true ? boundSign(name) : ''}${format(value)}`,
    observedAt: rfc3339(observedAt),
  };
}

/** A time is beyond its last bucket; what the Pods tell is a part, and may be all of it. */
const boundSign = (name: ObjectiveName): string => (name === 'ConcurrentWorkflows' ? '≥' : '>');

/** Its message names objectives and targets, not figures: those move, and stand in status.objectives. */
function conditionOf(
  required: readonly Stated[],
  { policy, isFresh = false, isOfViews = false, full = [] }: ObjectivesInput,
): ObjectivesAnswer['condition'] {
  const type = 'ObjectivesMet';
  const named = (all: readonly Stated[]): string =>
    all.map(({ name, target, cause = '' }) => `${name} (${target}${cause})`).join(', ');
  const notMet = named(required.filter((one) => one.state === 'NotMet'));
  const open = required.filter((one) => one.state === 'Unknown');
  if (notMet !== '') {
    const missed = required.filter((one) => one.state === 'NotMet');
    const limited = capacityMessage(
      missed.map(({ name, target, observation }) => ({ name, target, component: observation?.component })),
      full,
    );
    if (limited !== undefined) return { type, status: 'False', reason: 'CapacityLimited', message: limited };
    const message = problemMessage({
      saw: `not met: ${notMet}`,
      wanted: 'every required objective met',
      next: 'genops status shows what was measured beside each target; one that was missed is met again when it is inside its target by 5 %, or for 30 minutes',
    });
    return { type, status: 'False', reason: 'NotMet', message };
  }
  if (open.length > 0) {
    const [unmeasured, bounded] = [named(open.filter((one) => !isBound(one))), named(open.filter(isBound))];
    const message = problemMessage({
      saw: [
        ...(unmeasured === '' ? [] : [`no data for ${unmeasured}`]),
        ...(bounded === '' ? [] : [`only a lower bound of ${bounded}`]),
      ].join(', and '),
      wanted: 'every required objective measured',
      next: isFresh ? serving(open, policy, isOfViews) : 'see the condition MetricsAvailable',
    });
    return { type, status: 'Unknown', reason: 'Unknown', message };
  }
  return { type, status: 'True', reason: 'Met', message: 'Every required objective that was exercised is met.' };
}

const isBound = ({ observation }: Stated): boolean => observation?.atLeast === true;

/** What to do about objectives that are unknown while the Pods' figures are fresh. */
function serving(open: readonly Stated[], policy: ObjectivesInput['policy'], isOfViews: boolean): string {
  const server = 'a server of spec.redis that answers (or objectives.cacheHitRatio.source: Workload)';
  const signal = (name: SignalName, metric: string): string =>
    isOfViews ? `the signal ${name} of the JSON views` : metric;
  const judgedBy: Readonly<Record<ObjectiveName, string>> = {
    WorkflowDuration: signal('workflowDuration', metricNames.workflowDuration),
    ConcurrentWorkflows: signal('workflowsInFlight', metricNames.workflowsInFlight),
    CachedResponseTime: signal('cachedResponseTime', `${metricNames.requestDuration} with cache="hit"`),
    Memory: signal('memory', metricNames.memory),
    CacheHitRatio:
      policy.cacheHitRatio.source === 'Redis' ? server : signal('cacheRequests', metricNames.cacheRequests),
    SuccessRatio: signal('errors', metricNames.requestDuration),
  };
  const wanted = open.filter((one) => !isBound(one)).map(({ name }) => `${name} is judged by ${judgedBy[name]}`);
  const docs = isOfViews ? 'docs/metric-sources.md' : 'docs/workload-contract.md';
  const isPart = ({ name }: Stated): boolean => name === 'ConcurrentWorkflows';
  return [
    ...(wanted.length === 0
      ? []
      : [
          `other figures are fresh: this one has not been told twice yet, is no figure, or is not there: serve it, map it or set its mode Off (${docs}); ${wanted.join(', ')}`,
        ]),
    ...(open.some((one) => isBound(one) && isPart(one))
      ? ['of ConcurrentWorkflows a Pod leaves out its part: compare what each Pod serves, and network policies']
      : []),
    ...(open.some((one) => isBound(one) && !isPart(one))
      ? ['a time beyond the last bucket of its histogram is not known: give it a bucket at the target or above']
      : []),
  ].join('; ');
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
