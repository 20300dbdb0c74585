import type { GenerationService } from '../api/generation-service.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import { keyOf } from '../kube/object.ts';
import type { Decision } from '../serve/views/decisions.ts';
import type { PerformanceStatus } from '../serve/views/performance-status.ts';
import { conflictOn } from './autoscaler-conflict.ts';
import type { NginxWeights } from '../serve/views/weights.ts';
import { policyText } from './policy-text.ts';

type Component = NonNullable<GenerationServiceStatus['components']>[number];
type Replicas = NonNullable<Component['replicas']>;
type Condition = NonNullable<GenerationServiceStatus['conditions']>[number];

/** An Event as the cluster has it (events.k8s.io/v1); the older fields are those of its forerunner. */
export interface SeenEvent {
  readonly type?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly eventTime?: string | null;
  readonly series?: { readonly count: number; readonly lastObservedTime: string } | null;
  readonly deprecatedLastTimestamp?: string | null;
}

export interface ToldEvent {
  /** RFC 3339; null where the cluster does not say. */
  readonly time: string | null;
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly count: number;
}

/** What status and the operator both say of a decision. */
export type Decided = Partial<
  Pick<Decision, 'action' | 'from' | 'to' | 'reason' | 'message' | 'time' | 'nextEligibleTime'>
>;

/** Why a service is as it is, as far as that is written down. */
export interface Explanation {
  readonly service: string;
  readonly mode: string;
  readonly policy: string;
  /** Undefined: nobody has looked at it yet. */
  readonly ready: Condition | undefined;
  readonly components: readonly {
    readonly name: string;
    readonly replicas: Replicas | null;
    /** What bounds the replicas, in words. */
    readonly bounds: string;
    /** The last that changed something: as the operator says, else as status has it, which may be behind. */
    readonly decision: Decided | null;
    /** The same with what it was made from. null: the operator did not say, or does not know any more. */
    readonly made: Decision | null;
    /** The newest, also where it changes nothing. null: the operator did not say, or has no floor to move. */
    readonly newest: Decision | null;
  }[];
  /** Of the Pods behind each nginx. null: the operator did not say. */
  readonly weights: readonly NginxWeights[] | null;
  /** Rules of the optimizer that have acted, the newest action first. */
  readonly optimizer: NonNullable<NonNullable<GenerationServiceStatus['optimizer']>['rules']>;
  readonly objectivesNotMet: NonNullable<GenerationServiceStatus['objectives']>;
  /** Those that tell of something amiss. */
  readonly conditions: readonly Condition[];
  /** Newest first. null: they may not be read. */
  readonly events: readonly ToldEvent[] | null;
  /** What might be asked and is written down nowhere. */
  readonly notRecorded: readonly string[];
}

const lastEvents = 10;

/** What the operator itself says of decisions, or why it does not. */
export type SeenDecisions =
  | { readonly kind: 'said'; readonly view: Pick<PerformanceStatus, 'decisions' | 'newestDecisions' | 'weights'> }
  | { readonly kind: 'silent'; readonly why: string };

export interface Seen {
  /** Undefined: they may not be read. */
  readonly events: readonly SeenEvent[] | undefined;
  readonly decisions: SeenDecisions;
}

/** What status, Events and the operator say, and what they do not. */
export function explanationOf(service: GenerationService, { events, decisions: seen }: Seen): Explanation {
  const { conditions = [], components = [], objectives = [], optimizer, mode } = service.status ?? {};
  const known = service.spec.components.map(({ name }) => components.find((one) => one.name === name) ?? { name });
  return {
    service: keyOf(service),
    mode: mode ?? service.spec.mode,
    policy: policyText(service),
    ready: conditions.find(({ type }) => type === 'Ready'),
    components: known.map(({ name, replicas, decision }) => ({
      name,
      ...boundsOf(replicas, conflictOn(name, { conditions, isOne: known.length === 1 })),
      decision: decidedOf(madeOf(name, seen)) ?? decision ?? null,
      made: madeOf(name, seen),
      newest:
        seen.kind === 'said' ? (seen.view.newestDecisions.find(({ component }) => component === name) ?? null) : null,
    })),
    weights: seen.kind === 'said' ? seen.view.weights : null,
    optimizer: optimizer?.rules ?? [],
    objectivesNotMet: objectives.filter(({ state }) => state === 'NotMet'),
    conditions: conditions.filter(({ type, status }) => (type === 'Stalled' ? status !== 'False' : status !== 'True')),
    events: events === undefined ? null : told(events),
    notRecorded: [
      ...unrecorded(known, { events, decisions: seen }),
      ...(seen.kind === 'silent' && service.spec.loadBalancer !== undefined ? [`weights of Pods: ${seen.why}`] : []),
    ],
  };
}

type Bounds = Pick<Explanation['components'][number], 'replicas' | 'bounds'>;

/** What is declared does not bound where somebody else does. */
function boundsOf(replicas: Replicas | undefined, conflict: string | undefined): Bounds {
  if (replicas === undefined) return { replicas: null, bounds: 'not known: nothing was seen of its autoscaler' };
  if (conflict === undefined) return { replicas, bounds: boundsText(replicas) };
  const { current } = replicas;
  return { replicas: current === undefined ? {} : { current }, bounds: `not ours (Conflict): ${conflict}` };
}

function boundsText({ current, floor, min, max, boundBy }: Replicas): string {
  const parts = [
    floor !== undefined && min !== undefined && floor > min
      ? `the scaler has raised the floor from ${min} to ${floor}`
      : `the floor is the least that is declared, ${floor ?? min ?? 'not known'}`,
    `at most ${max ?? 'not known'}, by ${boundBy ?? 'the policy'}`,
    ...(current !== undefined && max !== undefined && current >= max ? ['that is reached: no more will come'] : []),
    ...(current !== undefined && floor !== undefined && current === floor
      ? ['the floor is reached: no less will be']
      : []),
  ];
  return parts.join('; ');
}

const timeOf = ({ series, eventTime, deprecatedLastTimestamp }: SeenEvent): string | null =>
  series?.lastObservedTime ?? eventTime ?? deprecatedLastTimestamp ?? null;

const told = (events: readonly SeenEvent[]): readonly ToldEvent[] =>
  events
    .map((event) => ({
      time: timeOf(event),
      type: event.type ?? '',
      reason: event.reason ?? '',
      note: event.note ?? '',
      count: event.series?.count ?? 1,
    }))
    .toSorted((a, b) => Date.parse(b.time ?? '') - Date.parse(a.time ?? ''))
    .slice(0, lastEvents);

function madeOf(name: string, seen: SeenDecisions): Decision | null {
  if (seen.kind === 'silent') return null;
  const made = seen.view.decisions.find(({ component }) => component === name);
  return made === undefined || made.inputs === null ? null : made;
}

/** One decision is told whole: not one of the operator's with words of an older one. */
function decidedOf(made: Decision | null): Decided | undefined {
  if (made === null) return undefined;
  const { action, from, to, reason, message, time, nextEligibleTime } = made;
  return { action, from, to, reason, message, time, nextEligibleTime };
}

function unrecorded(components: readonly Component[], { events, decisions }: Seen): readonly string[] {
  const undecided = components.filter(
    ({ name, decision }) => decision === undefined && madeOf(name, decisions) === null,
  );
  return [
    ...undecided.map(({ name }) => `any decision on ${name} so far`),
    ...(decisions.kind === 'silent'
      ? [`decisions that changed nothing, and what each was made from: ${decisions.why}`]
      : []),
    ...(events === undefined ? ['Events: you may not list them'] : []),
    ...(events?.length === 0 ? ['Events of late: the cluster keeps them for about an hour'] : []),
  ];
}
