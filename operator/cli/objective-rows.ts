import type { GenerationServiceStatus } from '../api/status.ts';

type Entry = NonNullable<GenerationServiceStatus['objectives']>[number];

const marks: Readonly<Record<Entry['state'], string>> = { Met: '✅', NotMet: '❌', Unknown: '❔', NotExercised: '➖' };

/** One row for each objective: its mark, what was measured, its target, and what else there is to say of it. */
export const objectiveRows = (
  objectives: readonly (Entry & { readonly mode?: string })[],
): readonly (readonly string[])[] =>
  objectives.map(({ name, state, measured = 'no data', target = '', component = '', mode }) => [
    `${marks[state]} ${name}`,
    measured,
    `target ${target}`,
    [component, ...(state === 'NotExercised' ? ['not exercised'] : []), ...(mode === 'Informational' ? [mode] : [])]
      .filter((text) => text !== '')
      .join(', '),
  ]);
