import { inspect } from 'node:util';
import { nearest } from '../api/nearest.ts';
import { isProblem } from '../api/problem.ts';
import { ApiError } from '../kube/api-error.ts';
import { type Command, exit, type Output, runCommand, UsageError } from './command.ts';
import { complete, completeWord } from './complete.ts';
import { completion } from './completion.ts';
import { openConsole } from './console.ts';
import { diff } from './diff.ts';
import { explain, why } from './explain.ts';
import { exportLearned } from './export.ts';
import { manager } from './manager.ts';
import { nginxAgent } from './nginx-agent.ts';
import { policyEffective } from './policy-effective.ts';
import { replay } from './replay.ts';
import { report } from './report.ts';
import { simulate } from './simulate.ts';
import { rightsNext } from './status-rights.ts';
import { status } from './status.ts';
import { validate } from './validate.ts';
import { version } from './version.ts';

/** Every command, by the words that name it. */
export const commands = {
  manager,
  'nginx-agent': nginxAgent,
  status,
  validate,
  explain,
  why,
  diff,
  'policy effective': policyEffective,
  report,
  replay,
  simulate,
  export: exportLearned,
  console: openConsole,
  completion,
  version,
} as unknown as Readonly<Record<string, Command>>;

export interface Process {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  readonly signal: AbortSignal;
}

/** Picks the command, runs it and returns the exit code of the process. */
export async function main({ args: given, ...world }: Process): Promise<number> {
  if (given[0] === completeWord) return complete(commands, given.slice(1), world);
  const args = spelledOut(given);
  const name = Object.keys(commands).find((words) => words.split(' ').every((word, index) => args[index] === word));
  const chosen = name === undefined ? undefined : commands[name];
  if (name === undefined || chosen === undefined) {
    const of = helpAskedFor(args);
    if (of === undefined) world.err.write(`genops: ${noCommand(args)}\n\n${overview(groupOf(args))}`);
    else world.out.write(overview(of));
    return of === undefined ? exit.cannotTell : exit.yes;
  }
  try {
    return await runCommand(name, chosen, { ...world, args: args.slice(name.split(' ').length) });
  } catch (error) {
    world.err.write(
      `genops ${name}: ${isExpected(error, world.signal) ? error.message + rightsNext(error) : inspect(error)}\n`,
    );
    return exit.cannotTell; // never 1: that is an answer
  }
}

/** `--version` and `help COMMAND` as the commands and options that they are short for. */
function spelledOut(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  if (first === '--version') return ['version', ...rest];
  if (first === 'help' && rest.length > 0) return [...rest, '--help'];
  return args;
}

function noCommand(args: readonly string[]): string {
  const [first = '', second = ''] = args;
  if (first.startsWith('-'))
    return `saw ${first} before a command; wanted the command first: options come after it (genops COMMAND ${first} …)`;
  const meant = nearest(first, Object.keys(commands)) ?? nearest(`${first} ${second}`, Object.keys(commands));
  return `no command ${args.join(' ')}${meant === undefined ? '' : `; wanted ${meant}, if that was meant`}`;
}

/** What a person can put right needs no stack: a wrong call, an API server that refuses, a port that is taken, Ctrl-C. */
const isExpected = (error: unknown, signal: AbortSignal): error is Error =>
  Error.isError(error) &&
  (error instanceof UsageError ||
    error instanceof ApiError ||
    isProblem(error) ||
    'syscall' in error ||
    error === signal.reason);

const helpWords: ReadonlySet<string | undefined> = new Set(['--help', '-h', 'help']);

/** With what the commands begin that help is asked for (`policy --help`); empty for all. Undefined: it is not asked for. */
function helpAskedFor([first, second]: readonly string[]): string | undefined {
  if (first === undefined || helpWords.has(first)) return '';
  const begins = groupOf([first]);
  return begins !== '' && helpWords.has(second) ? begins : undefined;
}

/** What commands of several words begin with (`policy `); empty: none begins so. */
function groupOf([first = '']: readonly string[]): string {
  const begins = `${first} `;
  return Object.keys(commands).some((name) => name.startsWith(begins)) ? begins : '';
}

const overview = (begins = ''): string =>
  [
    'genops keeps every layer under a generation service tuned to what its policy asks for.',
    '',
    'Usage: genops COMMAND [OPTIONS]   (also as kubectl genops)',
    '',
    ...Object.entries(commands)
      .filter(([name]) => name.startsWith(begins))
      .map(([name, { summary }]) => `  ${name.padEnd(20)} ${summary}`),
    '',
    'genops COMMAND --help shows options and examples; genops --version the version.',
    '',
  ].join('\n');
