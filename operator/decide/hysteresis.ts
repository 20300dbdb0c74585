import type { GenerationServiceStatus } from '../api/status.ts';

type Objectives = NonNullable<GenerationServiceStatus['objectives']>;
export type ObjectiveState = Objectives[number]['state'];

/** Each objective as it was last said to be met or missed: what is unknown in between takes back neither. */
export const lastTold = (told: Objectives = [], now: Objectives = []): Objectives =>
  now.flatMap((entry) =>
    entry.state === 'Met' || entry.state === 'NotMet' ? [entry] : told.filter(({ name }) => name === entry.name),
  );

/** How far inside its target a figure has to be that was beyond it; what is inside by less counts again after so long. */
const deadBand = 0.05;
const holdMs = 1_800_000;

/** Inside a limit that may not be exceeded, with the dead band to spare. */
export const isClearlyBelow = (value: number, limit: number): boolean => value <= limit * (1 - deadBand);

/** The same of a ratio that may not be less. Half of the way to 1 is enough: 5 % above 0.97 would be out of reach. */
export const isClearlyAbove = (value: number, limit: number): boolean =>
  value >= Math.min(limit * (1 + deadBand), (1 + limit) / 2);

/** A load that counted goes on to count until it is as far below. */
export const isExercised = (load: number, target: number, wasExercised: boolean): boolean =>
  load >= (wasExercised ? target * (1 - deadBand) : target);

export interface SettleInput {
  /** By the figure alone. */
  readonly judged: ObjectiveState;
  /** What was last said before, of the same target: met or missed. */
  readonly before: ObjectiveState | undefined;
  /** The figure is inside its target by the dead band. */
  readonly isClear: boolean;
  /** ms since the epoch: since when the figure is inside its target while NotMet is still said. */
  readonly insideSince: number | undefined;
  readonly now: number;
}

export interface Settled {
  readonly state: ObjectiveState;
  readonly insideSince: number | undefined;
}

/** Missed at once, met again only clearly or for long: a figure that wobbles round its target is one change, not many. */
export function settle({ judged, before, isClear, insideSince, now }: SettleInput): Settled {
  if (judged !== 'Met' || before !== 'NotMet' || isClear) return { state: judged, insideSince: undefined };
  const since = insideSince ?? now;
  return now - since >= holdMs ? { state: 'Met', insideSince: undefined } : { state: 'NotMet', insideSince: since };
}
