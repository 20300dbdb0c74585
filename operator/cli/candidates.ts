import type { Command } from './command.ts';

/** What may stand where the cursor is. */
export interface Candidates {
  readonly words: readonly string[];
  /** What only the cluster or the shell knows. */
  readonly also?: 'services' | 'namespaces' | 'files';
}

/** What an option takes, by its name: every command calls the same thing by the same name. */
const takes: Readonly<Record<string, Candidates['also']>> = {
  namespace: 'namespaces',
  'lease-namespace': 'namespaces',
  kubeconfig: 'files',
  filename: 'files',
  policy: 'files',
  trace: 'files',
};

/**
 * What a shell may put in the place of the last word, which may be empty or begun.
 *
 * @param commands Every command, by the words that name it.
 */
export function candidates(commands: Readonly<Record<string, Command>>, words: readonly string[]): Candidates {
  const [before, last = ''] = [words.slice(0, -1), words.at(-1)];
  const name = Object.keys(commands).find((candidate) => begins(before, candidate.split(' ')));
  const command = name === undefined ? undefined : commands[name];
  const found =
    name === undefined || command === undefined
      ? ofNames(commands, before)
      : ofCommand(command, before.slice(name.split(' ').length), last);
  return { ...found, words: found.words.filter((word) => word.startsWith(last)) };
}

const begins = (words: readonly string[], with_: readonly string[]): boolean =>
  with_.every((word, index) => words[index] === word);

function ofNames(commands: Readonly<Record<string, Command>>, before: readonly string[]): Candidates {
  const next = Object.keys(commands)
    .map((name) => name.split(' '))
    .flatMap((name) => (begins(name, before) ? name.slice(before.length, before.length + 1) : []));
  return { words: [...new Set(next)] };
}

function ofCommand(
  { options, choices = {}, usage = '' }: Command,
  before: readonly string[],
  last: string,
): Candidates {
  const flags = Object.keys(options).map((flag) => `--${flag}`);
  const option = optionOf(options, before.at(-1) ?? '');
  if (option !== undefined) return { words: choices[option] ?? [], ...alsoOf(takes[option]) };
  if (last.startsWith('-')) {
    const given = new Set(before.filter((word) => options[word.slice(2)]?.multiple !== true));
    return { words: [...flags, '--help'].filter((flag) => !given.has(flag)) };
  }
  const given = before.filter((word, at) => !word.startsWith('-') && optionOf(options, before[at - 1] ?? '') === undefined); // prettier-ignore
  if (given.length > 0) return { words: [] }; // each takes one
  const [first = ''] = usage.split(' ');
  if (first === 'BUNDLE') return { words: [], also: 'files' };
  return { words: choices[''] ?? [], ...alsoOf(/^\[?NAME\b/.test(first) ? 'services' : undefined) };
}

const alsoOf = (also: Candidates['also']): Pick<Candidates, 'also'> => (also === undefined ? {} : { also });

/** The option whose value comes next, by `--output` or `-o`. */
function optionOf(options: Command['options'], word: string): string | undefined {
  const found = Object.entries(options).find(([flag, { short }]) => word === `--${flag}` || word === `-${short}`);
  return found?.[1].type === 'string' ? found[0] : undefined;
}

/**
 * The same with `--namespace=ai` as two words, which bash hands over as three; what is offered in the place of the last is the value alone, as kubectl wants it of a plugin.
 * A `=` of its own stands nowhere else.
 */
export function withoutEquals(words: readonly string[]): readonly string[] {
  return words.flatMap((word, at) => {
    const isLast = at === words.length - 1;
    if (word === '=' && words[at - 1]?.startsWith('--') === true) return isLast ? [''] : [];
    const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
    return flag === undefined || value === undefined ? [word] : [flag, value];
  });
}
