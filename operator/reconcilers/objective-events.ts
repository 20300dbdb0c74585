import { eventReasons, type EventReason } from '../api/event-reasons.ts';
import { problemMessage } from '../api/problem.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { JudgedObjective } from '../decide/objectives.ts';
import type { EventInput } from '../kube/events.ts';

type Objectives = NonNullable<GenerationServiceStatus['objectives']>;

/**
 * What to tell of objectives that were missed, or are met again: one Event for all that changed together.
 * What becomes unknown is no Event, and what is met after it was unknown is no news.
 *
 * @param before As each was last said to be met or missed (`lastTold`).
 * @param looked What the look behind `after` knows besides.
 */
export function objectiveEvents(
  before: Objectives = [],
  after: Objectives = [],
  looked: readonly Pick<JudgedObjective, 'name' | 'cause'>[] = [],
): readonly Omit<EventInput, 'regarding'>[] {
  const was = (one: Objectives[number]) => before.find(({ name }) => name === one.name)?.state;
  const missed = after.filter((one) => one.state === 'NotMet' && was(one) !== 'NotMet');
  const causeOf = (missing: string): string => looked.find(({ name }) => name === missing)?.cause ?? '';
  const met = after.filter((one) => one.state === 'Met' && was(one) === 'NotMet');
  return [
    ...tell(
      'ObjectiveMissed',
      missed.map((one) => figureOf(one, causeOf(one.name))),
      (saw) =>
        problemMessage({
          saw: `objectives missed: ${saw}`,
          wanted: 'every objective met',
          next: 'genops status shows what else changed',
        }),
    ),
    ...tell(
      'ObjectiveMet',
      met.map((one) => figureOf(one)),
      (saw) => `met again: ${saw}`,
    ),
  ];
}

const tell = (
  reason: EventReason,
  figures: readonly string[],
  note: (saw: string) => string,
): readonly Omit<EventInput, 'regarding'>[] =>
  figures.length === 0
    ? []
    : [{ type: eventReasons[reason].type, reason, action: 'Judge', note: note(figures.join(', ')) }];

const figureOf = ({ name, component, measured, target }: Objectives[number], cause = ''): string =>
  `${name}${component === undefined ? '' : ` of ${component}`} ${measured ?? 'not measured'} (target ${target}${cause})`;
