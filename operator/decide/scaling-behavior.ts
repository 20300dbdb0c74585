/** One direction of `behavior` of autoscaling/v2, as the API has it. */
export interface ScalingRules {
  readonly stabilizationWindowSeconds?: number;
  readonly selectPolicy?: 'Max' | 'Min' | 'Disabled';
  readonly policies?: readonly ScalingPolicy[];
}
export interface ScalingPolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}
export interface Behavior {
  readonly scaleUp: ScalingRules;
  readonly scaleDown: ScalingRules;
}

/** What the HPA controller remembers between two syncs. Times in ms since the epoch. */
export interface BehaviorMemory {
  /** What the metrics asked for, before any limit. */
  readonly recommendations: readonly { readonly at: number; readonly replicas: number }[];
  /** Changes of the replica count: positive when Pods were added. */
  readonly events: readonly { readonly at: number; readonly change: number }[];
  /** The count seen at the last visit. */
  readonly replicas: number;
  /** When the metrics told nothing for the last time. What ran then counts as asked for on the way down; on the way up it holds up nothing. */
  readonly unknownAt?: number;
}

/** A fresh memory records the current count as the first recommendation, as the HPA does: after a restart nothing scales down before a whole window was seen. */
export const freshMemory = (current: number, now: number): BehaviorMemory => ({
  recommendations: [{ at: now, replicas: current }],
  events: [],
  replicas: current,
});

export interface LimitInput {
  readonly desired: number;
  readonly current: number;
  readonly behavior: Behavior;
  readonly memory: BehaviorMemory;
  readonly now: number;
}

export type BehaviorLimit = 'ScaleUpStabilization' | 'ScaleDownStabilization' | 'ScaleUpRate' | 'ScaleDownRate';
export interface Limited {
  readonly replicas: number;
  /** The first limit that moved the answer away from what was asked for. */
  readonly limitedBy?: BehaviorLimit;
  readonly memory: BehaviorMemory;
}

/**
 * `desired` held to a policy's `behavior`: first the windows, then the rates.
 *
 * Source: kubernetes pkg/controller/podautoscaler/horizontal.go, `stabilizeRecommendationWithBehaviors` and `convertDesiredReplicasWithBehaviorRate`.
 * Raising an HPA's minReplicas makes it jump there at once, past its own behavior: so what moves the floor keeps these limits itself.
 */
export function limit(input: LimitInput): Limited {
  const { desired, current, behavior, now } = input;
  const memory = remember(input);
  const since = (seconds = 0): number[] =>
    input.memory.recommendations.filter(({ at }) => at > now - seconds * 1000).map(({ replicas }) => replicas);
  const upTo = Math.min(desired, ...since(behavior.scaleUp.stabilizationWindowSeconds));
  const isBlind = (memory.unknownAt ?? 0) > now - (behavior.scaleDown.stabilizationWindowSeconds ?? 0) * 1000;
  const downTo = Math.max(desired, isBlind ? current : 0, ...since(behavior.scaleDown.stabilizationWindowSeconds));
  const stabilized = Math.min(Math.max(current, upTo), downTo);

  const rated =
    stabilized > current
      ? Math.min(stabilized, Math.max(current, upLimit(current, behavior.scaleUp, memory.events, now)))
      : Math.max(stabilized, Math.min(current, downLimit(current, behavior.scaleDown, memory.events, now)));
  if (rated === desired) return { replicas: rated, memory };
  const direction = desired > current ? 'ScaleUp' : 'ScaleDown';
  return { replicas: rated, limitedBy: `${direction}${stabilized === desired ? 'Rate' : 'Stabilization'}`, memory };
}

/**
 * When what holds `desired` back lets the count go further, as long as the same is asked for: ms since the epoch.
 *
 * @returns undefined where nothing holds it back, or where that does not end by itself (selectPolicy Disabled).
 */
export function limitEndsAt(input: LimitInput, { replicas, limitedBy, memory }: Limited): number | undefined {
  if (limitedBy === undefined) return undefined;
  const { current, behavior, now } = input;
  const after = withChange(memory, { from: current, to: replicas, at: now });
  const rules = [behavior.scaleUp, behavior.scaleDown];
  const windows = rules.map(({ stabilizationWindowSeconds = 0 }) => stabilizationWindowSeconds);
  const periods = rules.flatMap(({ policies = [] }) => policies.map(({ periodSeconds }) => periodSeconds));
  const asked = [
    ...memory.recommendations.map(({ at }) => at),
    ...(memory.unknownAt === undefined ? [] : [memory.unknownAt]),
  ];
  const ends = [
    ...asked.flatMap((at) => windows.map((seconds) => at + seconds * 1000)),
    ...after.events.flatMap(({ at }) => periods.map((seconds) => at + seconds * 1000)),
  ];
  return [...new Set(ends)]
    .filter((at) => at > now)
    .toSorted((a, b) => a - b)
    .find((at) => limit({ ...input, current: replicas, memory: after, now: at }).replicas !== replicas);
}

/** What is remembered once the count was changed. Without it a change is taken to have come just before the next visit. */
export const withChange = (
  memory: BehaviorMemory,
  { from, to, at }: { readonly from: number; readonly to: number; readonly at: number },
): BehaviorMemory =>
  from === to ? memory : { ...memory, events: [...memory.events, { at, change: to - from }], replicas: to };

function remember({ desired, current, behavior, memory, now }: LimitInput): BehaviorMemory {
  const window = Math.max(
    behavior.scaleUp.stabilizationWindowSeconds ?? 0,
    behavior.scaleDown.stabilizationWindowSeconds ?? 0,
  );
  const period = Math.max(
    0,
    ...[...(behavior.scaleUp.policies ?? []), ...(behavior.scaleDown.policies ?? [])].map(
      (policy) => policy.periodSeconds,
    ),
  );
  const change = current - memory.replicas;
  const events = memory.events.filter(({ at }) => at > now - period * 1000);
  return {
    ...memory,
    recommendations: [
      ...memory.recommendations.filter(({ at }) => at > now - window * 1000),
      { at: now, replicas: desired },
    ],
    events: change === 0 ? events : [...events, { at: now, change }],
    replicas: current,
  };
}

function upLimit(current: number, rules: ScalingRules, events: BehaviorMemory['events'], now: number): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = periodStart(current, events, now - periodSeconds * 1000);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  if (limits.length === 0) return Number.POSITIVE_INFINITY;
  return rules.selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function downLimit(current: number, rules: ScalingRules, events: BehaviorMemory['events'], now: number): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = periodStart(current, events, now - periodSeconds * 1000);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  if (limits.length === 0) return 0;
  return rules.selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

/** The count at the start of a policy's period: what was added since then does not count as a base to add to. */
const periodStart = (current: number, events: BehaviorMemory['events'], after: number): number =>
  current - events.filter(({ at }) => at > after).reduce((sum, { change }) => sum + change, 0);
