import type { Output } from './command.ts';

const inks = { good: 32, bad: 31, unknown: 33 } as const;
const inked = (ink: keyof typeof inks, text: string): string => `\x1b[${inks[ink]}m${text}\x1b[39m`;

/** A condition in a table, or how the service stands: what of a page says well or not. */
const verdicts = /^(\s+([A-Z]\w+) +)(True|False|Unknown)\b|(?<= )(not Ready|Ready)(?= \()/gm;

/** Stalled is there only while something is wrong. */
const inkOf = (type: string | undefined, word: string): keyof typeof inks => {
  if (word === 'Unknown') return 'unknown';
  return (word === 'True' || word === 'Ready') === (type !== 'Stalled') ? 'good' : 'bad';
};

/** Colours a page for whoever looks at a terminal; a file, a pipe and NO_COLOR (no-color.org) get it as it is. */
export function colouredFor(
  { isTTY }: Output,
  { NO_COLOR: unwanted = '', TERM: terminal }: Readonly<Record<string, string | undefined>>,
): (page: string) => string {
  if (isTTY !== true || unwanted !== '' || terminal === 'dumb') return (page) => page;
  return (page) =>
    page.replace(verdicts, (_, before = '', type, state, stands) =>
      state === undefined
        ? inked(inkOf(undefined, String(stands)), String(stands))
        : `${before}${inked(inkOf(type, String(state)), String(state))}`,
    );
}
