import { rfc3339 } from '../api/rfc3339.ts';
import type { GenerationServiceStatus } from '../api/status.ts';

type Objectives = NonNullable<GenerationServiceStatus['objectives']>;
type Objective = Objectives[number];
type Rating = NonNullable<GenerationServiceStatus['rating']>;
type LoadBalancer = NonNullable<GenerationServiceStatus['loadBalancer']>;

/** A figure in status follows the measured one when it left this band, and not more often than this. */
const band = 0.1;
const leastMs = 300_000;
/** Attainment is near 1 where all is well, and each hundredth of it is a whole error budget. */
const attainmentBand = 0.01;

/** Objectives for status: a state that changed is told at once, a figure that only moves is not, or every look would be a write. */
export function steadyObjectives(previous: Objectives = [], next: Objectives, now: number): Objectives {
  return next.map((entry) => {
    const before = previous.find(({ name }) => name === entry.name);
    return before !== undefined && isSteady(before, entry, now) ? before : entry;
  });
}

/** The rating in status: told at once when the grade or what is known of it changes, and points that only move as any figure. */
export const steadyRating = (previous: Rating | undefined, next: Rating, now: number): Rating =>
  previous !== undefined && isToldBy(previous, next) && (isRecent(previous, now) || isNearScore(previous, next))
    ? previous
    : next;

const isToldBy = (previous: Rating, next: Rating): boolean =>
  previous.grade === next.grade && previous.scoredOf === next.scoredOf && partsOf(previous) === partsOf(next);

const isNearScore = ({ score: from = 0 }: Rating, { score: to = 0 }: Rating): boolean =>
  Math.abs(to - from) <= band * from;

const isRecent = ({ observedAt }: Pick<Objective, 'observedAt'>, now: number): boolean =>
  observedAt !== undefined && now - Date.parse(observedAt) < leastMs;

/** nginx in status: what it serves is told at once, and weights that only move as any figure. */
export function steadyLoadBalancer(previous: LoadBalancer | undefined, next: LoadBalancer, now: number): LoadBalancer {
  const { weightMin, weightMax } = next;
  if (weightMin === undefined || weightMax === undefined) return next;
  const isWithin = isNearWeight(previous?.weightMin, weightMin) && isNearWeight(previous?.weightMax, weightMax);
  return previous !== undefined && isServedAlike(previous, next) && (isRecent(previous, now) || isWithin)
    ? previous
    : { ...next, observedAt: rfc3339(now) };
}

const isServedAlike = (previous: LoadBalancer, next: LoadBalancer): boolean =>
  (['desiredHash', 'loadedHash', 'podsCurrent', 'podsTotal', 'serverVersion', 'method'] as const).every(
    (name) => previous[name] === next[name],
  );

const isNearWeight = (from: number | undefined, to: number): boolean =>
  from !== undefined && Math.abs(to - from) <= band * from;

/** The API server gives fields back in an order of its own. */
const partsOf = ({ parts = {} }: Rating): string => Object.keys(parts).toSorted().join();

function isSteady(before: Objective, after: Objective, now: number): boolean {
  if (before.state !== after.state || before.target !== after.target || before.component !== after.component)
    return false;
  // Of what nobody measures only old time leaves the window: that is told with the next state.
  const isCounted = after.observedAt !== undefined;
  return (
    isRecent(before, now) ||
    (isNear(before.measured, after.measured) && (!isCounted || isNearShare(before.attainment, after.attainment)))
  );
}

const isNearShare = (a: string | undefined, b: string | undefined): boolean =>
  a === undefined || b === undefined ? a === b : Math.abs(Number(a) - Number(b)) < attainmentBand;

/** `84ms` and `90ms` are near; other units or a missing figure are not. */
function isNear(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const unit = (text: string): string => text.replace(/^[^0-9]*[0-9.]+/, '');
  const [from, to] = [a, b].map((text) => Number(/[0-9.]+/.exec(text)?.[0]));
  return (
    unit(a) === unit(b) &&
    from !== undefined &&
    to !== undefined &&
    Math.abs(to - from) <= band * Math.max(Math.abs(from), Number.EPSILON)
  );
}
