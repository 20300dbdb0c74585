import { eventReasons, type EventReason } from '../api/event-reasons.ts';
import { problemMessage } from '../api/problem.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { EventInput } from '../kube/events.ts';

type Objectives = NonNullable<GenerationServiceStatus['objectives']>;

/**
 * What to tell of objectives that were missed, or are met again: one Event for all that changed together.
 * What becomes unknown is no Event, and what is met after it was unknown is no news.
 *
 * @param before As each was last said to be met or missed (`lastTold`).
 */
export function objectiveEvents(
  before: Objectives = [],
  after: Objectives = [],
): readonly Omit<EventInput, 'regarding'>[] {
  const was = (one: Objectives[number]) => before.find(({ name }) => name === one.name)?.state;
  const missed = after.filter((one) => one.state === 'NotMet' && was(one) !== 'NotMet');
  const met = after.filter((one) => one.state === 'Met' && was(one) === 'NotMet');
  return [
    ...tell('ObjectiveMissed', missed, (saw) =>
      problemMessage({
        saw: `objectives missed: ${saw}`,
        wanted: 'every objective met',
        next: 'genops status shows what else changed',
      }),
    ),
    ...tell('ObjectiveMet', met, (saw) => `met again: ${saw}`),
  ];
}

const tell = (
  reason: EventReason,
  objectives: Objectives,
  note: (saw: string) => string,
): readonly Omit<EventInput, 'regarding'>[] =>
  objectives.length === 0
    ? []
    : [
        {
          type: eventReasons[reason].type,
          reason,
          action: 'Judge',
          note: note(objectives.map(figureOf).join(', ')),
        },
      ];

const figureOf = ({ name, component, measured, target }: Objectives[number]): string =>
  `${name}${component === undefined ? '' : ` of ${component}`} ${measured ?? 'not measured'} (target ${target})`;
