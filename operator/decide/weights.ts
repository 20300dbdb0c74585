import type { LoadBalancerSettings } from '../api/load-balancer-settings.ts';

export type WeightsPolicy = LoadBalancerSettings['weights'];

/** What a Pod did since the last look. Times in ms. */
export interface PodWork {
  /** Answered, and neither with an error nor with 429. */
  readonly served: number;
  /** Or turned away. */
  readonly failed: number;
  /** Time that the served ones had slots. */
  readonly servedMs: number;
  /** The same of all. */
  readonly busyMs: number;
}

export const noWork: PodWork = { served: 0, failed: 0, servedMs: 0, busyMs: 0 };

/** What is known of a Pod from one look to the next. Times in ms of one clock. */
export interface PodMemory {
  readonly weight: number;
  /** When it came to Pods that were there; undefined: it has its share. */
  readonly newSince?: number;
  /** Undefined: it has not served enough yet. */
  readonly serviceMs?: number;
  /** Requests that `serviceMs` rests on. */
  readonly requests: number;
  /** 0 to 1. */
  readonly errorRatio: number;
  /** When it was measured last, or when we began to look. */
  readonly heardAt: number;
  /** Since then. */
  readonly pending: PodWork;
}

/** Why a weight is what it is. */
export type WeightReason =
  'Measured' | 'Failing' | 'WithinBand' | 'SlowStart' | 'TooFewRequests' | 'NoRequests' | 'Expired' | 'GapsInLog';

export interface PodWeight {
  readonly id: string;
  readonly memory: PodMemory;
  readonly why: WeightReason;
  /** Where steps lead. */
  readonly target: number;
}

export interface Weighed {
  readonly pods: readonly PodWeight[];
  /** Busy share of all slots since the last look. */
  readonly busyRatio: number;
  /** From 0 (service times move no weight) to 1. */
  readonly effect: number;
}

export interface WeighInput {
  readonly policy: WeightsPolicy;
  /** Of each Pod, those that are left to this nginx beside others. */
  readonly slots: number;
  readonly pods: readonly { readonly id: string; readonly memory: PodMemory; readonly work: PodWork }[];
  /** Since the last look. */
  readonly elapsedMs: number;
  /** Some of what was done is not known. */
  readonly hasGaps: boolean;
  readonly now: number;
}

/** The weight of a Pod like the others: as far from the least as from the greatest. */
export const averageWeight = ({ min, max }: WeightsPolicy): number => Math.max(Math.round(Math.sqrt(min * max)), 1);

/** What is known of a Pod that is seen for the first time. `comesTo`: others that were there, and the effect at the last look at them. */
export function firstMemory(policy: WeightsPolicy, now: number, comesTo?: Pick<Weighed, 'effect'>): PodMemory {
  const fresh = { requests: 0, errorRatio: 0, heardAt: now, pending: noWork };
  const weight = averageWeight(policy);
  return comesTo !== undefined && policy.slowStartMs > 0
    ? { ...fresh, weight: slowly(weight, { ...comesTo, policy, ageMs: 0 }), newSince: now }
    : { ...fresh, weight };
}

/**
 * The weights of an upstream's Pods after another interval (docs/levers/nginx.md): average × (median service time / its own)^effect, less for errors that the others do not have, one step at a time.
 *
 * What is not known moves nothing: too few requests, or a gap in what nginx told. What is known for too long no more leads back to the average, so that a Pod that has recovered is tried.
 */
export function weigh({ policy, slots, pods, elapsedMs, hasGaps, now }: WeighInput): Weighed {
  const busyMs = pods.reduce((sum, { work }) => sum + work.busyMs, 0);
  const busyRatio = Math.min(busyMs / Math.max(pods.length * slots * elapsedMs, 1), 1);
  const effect = effectOf(policy, busyRatio);
  const seen = pods.map(({ id, memory, work }) => ({
    id,
    before: memory,
    memory: hasGaps ? memory : measured(memory, work, policy, now),
  }));
  const usual = {
    serviceMs: median(seen.flatMap(({ memory: { serviceMs } }) => serviceMs ?? [])),
    errorRatio: lowerMedian(seen.map(({ memory }) => memory.errorRatio)),
  };
  return {
    busyRatio,
    effect,
    pods: seen.map(({ id, before, memory }) => {
      const aim = aimOf(memory, { policy, effect, usual });
      const isHeard = memory.heardAt !== before.heardAt;
      return { id, ...weightOf({ memory, aim, effect, isHeard, hasGaps, policy, elapsedMs, now }) };
    }),
  };
}

/** More than it has to do helps the tail while there is room, and hurts where there is none. */
function effectOf({ followBelowPercent: full, equalAbovePercent: none }: WeightsPolicy, busyRatio: number): number {
  const busyPercent = 100 * busyRatio;
  if (busyPercent <= full) return 1;
  return busyPercent >= none ? 0 : (none - busyPercent) / (none - full);
}

/** Half of what was known, half of what is new, once that is enough. Errors count at once and are forgotten by halves. */
function measured(memory: PodMemory, work: PodWork, { minRequests }: WeightsPolicy, now: number): PodMemory {
  const pending = sum(memory.pending, work);
  const { served, failed, servedMs } = pending;
  if (served + failed < minRequests) return { ...memory, pending };
  const errors = failed < 2 ? 0 : failed / (served + failed); // one alone is no pattern
  const errorRatio = Math.max(errors, (memory.errorRatio + errors) / 2);
  const heard = { ...memory, errorRatio, heardAt: now, pending: noWork };
  if (served < minRequests) return heard;
  const { serviceMs: known, requests } = memory;
  const serviceMs = Math.max(servedMs / served, 1); // nginx tells no less
  if (known === undefined) return { ...heard, serviceMs, requests: served };
  return {
    ...heard,
    serviceMs: (known + serviceMs) / 2,
    requests: Math.round(4 / (1 / requests + 1 / served)), // as many as would be as sure as the mean of both
  };
}

const sum = (a: PodWork, b: PodWork): PodWork => ({
  served: a.served + b.served,
  failed: a.failed + b.failed,
  servedMs: a.servedMs + b.servedMs,
  busyMs: a.busyMs + b.busyMs,
});

interface Aim {
  readonly target: number;
  /** It fails more than the others do. */
  readonly isFailing: boolean;
}

/** Each percent of errors that the others do not have takes a tenth of the weight: one that fails at once would look fast. What all have is no Pod's fault. */
function aimOf(
  { serviceMs, errorRatio }: PodMemory,
  {
    policy,
    effect,
    usual,
  }: {
    readonly policy: WeightsPolicy;
    readonly effect: number;
    readonly usual: { readonly serviceMs: number | undefined; readonly errorRatio: number };
  },
): Aim {
  const speed = serviceMs === undefined || usual.serviceMs === undefined ? 1 : usual.serviceMs / serviceMs;
  const reliable = (1 - Math.max(errorRatio - usual.errorRatio, 0)) ** (10 * policy.errorPenalty);
  const weight = clamp(averageWeight(policy) * speed ** effect, policy.min, policy.max);
  return { target: Math.max(Math.round(weight * reliable), 1), isFailing: reliable < 1 };
}

interface WeightInput {
  readonly memory: PodMemory;
  readonly aim: Aim;
  readonly effect: number;
  /** It was measured at this look. */
  readonly isHeard: boolean;
  readonly hasGaps: boolean;
  readonly policy: WeightsPolicy;
  /** Since the last look. */
  readonly elapsedMs: number;
  readonly now: number;
}

function weightOf(input: WeightInput): Omit<PodWeight, 'id'> {
  const { memory, aim, isHeard, hasGaps, policy, elapsedMs, now } = input;
  const { weight, newSince, heardAt } = memory;
  const average = averageWeight(policy);
  if (newSince !== undefined) return slowStarting({ ...input, newSince });
  const stay = (why: WeightReason, target = weight) => ({ memory, why, target });
  const move = (why: WeightReason, target: number) => ({
    memory: { ...memory, weight: stepped(weight, target, policy) },
    why,
    target,
  });
  if (now - heardAt >= policy.staleAfterMs) {
    const isFirst = now - elapsedMs - heardAt < policy.staleAfterMs;
    const left = { ...expired(memory, isFirst), weight: stepped(weight, average, policy) };
    return { ...move(isBlank(memory) && weight === average ? 'NoRequests' : 'Expired', average), memory: left };
  }
  if (hasGaps) return stay('GapsInLog');
  if (!isHeard) return stay('TooFewRequests');
  const { target, isFailing } = aim;
  if (Math.abs(target - weight) / weight <= band(memory, policy, isFailing && target < weight))
    return stay('WithinBand', target);
  return move(isFailing ? 'Failing' : 'Measured', target);
}

/** Its share, and no more than the average, little by little. Few requests are no sign of a lesser share. */
function slowStarting({
  memory,
  newSince,
  aim: { target, isFailing },
  effect,
  policy,
  now,
}: Pick<WeightInput, 'memory' | 'aim' | 'effect' | 'policy' | 'now'> & { readonly newSince: number }): Omit<
  PodWeight,
  'id'
> {
  const average = averageWeight(policy);
  const isLess = (average - target) / average > band(memory, policy, isFailing);
  const share = isLess ? target : average;
  const ageMs = now - newSince;
  const { newSince: _, ...settled } = memory;
  if (ageMs >= policy.slowStartMs) return { memory: { ...settled, weight: share }, why: 'SlowStart', target: share };
  const had = Math.min(memory.weight, share); // it grows, also where there is more room than before
  const weight = Math.max(slowly(share, { effect, policy, ageMs }), had);
  return { memory: { ...memory, weight }, why: 'SlowStart', target: share };
}

interface Slowness {
  readonly effect: number;
  readonly policy: WeightsPolicy;
  readonly ageMs: number;
}

/** Nothing is held back where there is no room: what a newcomer is not sent waits at the others. */
function slowly(share: number, { effect, policy: { slowStartMs, slowStartFromPercent }, ageMs }: Slowness): number {
  const heldBack = effect * (1 - slowStartFromPercent / 100) * (1 - ageMs / slowStartMs);
  return Math.max(Math.round(share * (1 - heldBack)), 1);
}

/** It had no request, or none any more since what was known of it expired. */
const isBlank = ({ serviceMs, errorRatio, pending: { served, failed } }: PodMemory): boolean =>
  serviceMs === undefined && errorRatio === 0 && served + failed === 0;

/** What was too little before the first of such looks is forgotten with the rest. What comes after it adds up again: a Pod may get few requests for good. */
function expired({ serviceMs: _, pending, ...memory }: PodMemory, isFirst: boolean): PodMemory {
  return { ...memory, requests: 0, errorRatio: 0, pending: isFirst ? noWork : pending };
}

/** A mean of few requests is off by chance: two of its standard errors, where times spread as widely as they are long. Errors are no matter of chance, and lead down only. */
const band = ({ requests }: PodMemory, { deadBandPercent }: WeightsPolicy, isFailing: boolean): number =>
  Math.max(deadBandPercent / 100, isFailing ? 0 : 2 / Math.sqrt(Math.max(requests, 1)));

/** At least a tenth of the average, so that a small weight does not stay small. */
function stepped(weight: number, target: number, policy: WeightsPolicy): number {
  const most = Math.max(Math.floor((weight * policy.maxStepPercent) / 100), Math.round(averageWeight(policy) / 10), 1);
  return clamp(target, weight - most, weight + most);
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

/** Of two, one that fails stands out. */
const lowerMedian = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
