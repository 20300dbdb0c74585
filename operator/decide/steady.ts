import type { GenerationServiceStatus } from '../api/status.ts';

type Objectives = NonNullable<GenerationServiceStatus['objectives']>;
type Objective = Objectives[number];
type Rating = NonNullable<GenerationServiceStatus['rating']>;

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

/** The rating in status: told when the grade or what is known of it changes. */
export const steadyRating = (previous: Rating | undefined, next: Rating): Rating =>
  previous !== undefined && isToldBy(previous, next) ? previous : next;

const isToldBy = (previous: Rating, next: Rating): boolean =>
  previous.grade === next.grade && previous.scoredOf === next.scoredOf && partsOf(previous) === partsOf(next);

/** The API server gives fields back in an order of its own. */
const partsOf = ({ parts = {} }: Rating): string => Object.keys(parts).toSorted().join();

function isSteady(before: Objective, after: Objective, now: number): boolean {
  if (before.state !== after.state || before.target !== after.target || before.component !== after.component)
    return false;
  const recent = before.observedAt !== undefined && now - Date.parse(before.observedAt) < leastMs;
  // Of what nobody measures only old time leaves the window: that is told with the next state.
  const isCounted = after.observedAt !== undefined;
  return (
    recent ||
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
