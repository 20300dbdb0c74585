import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { wrongOption } from './wrong-option.ts';

/** What a command answers to the shell. */
export const exit = { yes: 0, no: 1, cannotTell: 2 } as const;

/** The call itself is wrong: printed without a stack, with the way to the help, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The value of an option that takes one of a few words. @throws {UsageError} that lists them. */
export function oneOf<const T extends string>(flag: string, value: string | undefined, wanted: readonly T[]): T {
  const found = wanted.find((word) => word === value);
  if (found === undefined) throw new UsageError(`saw --${flag} ${value}; wanted one of ${wanted.join(', ')}`);
  return found;
}

export interface Output {
  write(text: string): unknown;
  /** Somebody looks at it: a line may be written anew. */
  readonly isTTY?: boolean | undefined;
}

type ValuesOf<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: true }>
>['values'];

/** The world of a command: it writes to `out`, tells people on `err`, and never ends the process itself. */
export interface Call<Options extends ParseArgsOptionsConfig> {
  readonly values: ValuesOf<Options>;
  readonly positionals: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  readonly signal: AbortSignal;
}

export interface Command<Options extends ParseArgsOptionsConfig = ParseArgsOptionsConfig> {
  /** One line, without a full stop. */
  readonly summary: string;
  /** `NAME [-n NAMESPACE]` */
  readonly usage?: string;
  readonly examples: readonly string[];
  readonly options: Options;
  /** What each option means, for --help. */
  readonly help: { readonly [K in keyof Options]: string };
  /** The words that an option takes, where they are few; of '' those that stand alone. For shells. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
  run(call: Call<Options>): Promise<number>;
}

/** Gives `values` the types of `options`. */
export const command = <const Options extends ParseArgsOptionsConfig>(definition: Command<Options>): Command<Options> =>
  definition;

/** Options of every command that speaks to a cluster. */
export const clusterOptions = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
} as const;
export const clusterHelp = {
  kubeconfig: 'file; else $KUBECONFIG, ~/.kube/config or the Pod’s service account',
  context: 'context of the kubeconfig',
  namespace: 'namespace; else that of the context',
} as const;

/** Help of one command. */
export function helpText(name: string, { summary, usage, examples, options, help }: Command): string {
  const flags = Object.entries(options).map(([flag, { short, type }]) => {
    const spelled = `${short === undefined ? '    ' : `-${short}, `}--${flag}${type === 'string' ? ` ${(flag.split('-').at(-1) ?? flag).toUpperCase()}` : ''}`;
    return `  ${spelled.padEnd(44)} ${help[flag] ?? ''}`;
  });
  return [
    summary,
    '',
    `Usage: genops ${name}${usage === undefined ? '' : ` ${usage}`}`,
    '',
    ...(flags.length === 0 ? [] : ['Options:', ...flags, '']),
    'Examples:',
    ...examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

/** Runs one command with its arguments. A value that is not given is looked for in the environment: --log-level as GENOPS_LOG_LEVEL. */
export async function runCommand(
  name: string,
  definition: Command,
  {
    args,
    env,
    ...world
  }: Omit<Call<ParseArgsOptionsConfig>, 'values' | 'positionals'> & {
    readonly args: readonly string[];
  },
): Promise<number> {
  const { values, positionals } = parse(name, definition.options, args);
  if (values['help'] === true) {
    world.out.write(helpText(name, definition));
    return exit.yes;
  }
  if (definition.usage === undefined && positionals.length > 0)
    throw new UsageError(`saw ${positionals.join(' ')}; wanted options only (genops ${name} --help lists them)`);
  return definition.run({
    ...world,
    env,
    values: { ...defaultsOf(definition.options), ...fromEnvironment(definition.options, env), ...values },
    positionals,
  });
}

function fromEnvironment(
  options: ParseArgsOptionsConfig,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const given = Object.entries(options).flatMap(
    ([flag, { type, multiple }]): readonly (readonly [string, unknown])[] => {
      const variable = `GENOPS_${flag.toUpperCase().replaceAll('-', '_')}`;
      const value = env[variable];
      if (value === undefined) return [];
      if (type === 'string') return [[flag, multiple === true ? value.split(',') : value]];
      if (value !== 'true' && value !== 'false') throw new UsageError(`saw ${variable}=${value}; wanted true or false`);
      return [[flag, value === 'true']];
    },
  );
  return Object.fromEntries(given);
}

function parse(name: string, options: ParseArgsOptionsConfig, args: readonly string[]) {
  const withoutDefaults = Object.fromEntries(
    Object.entries(options).map(([flag, { type, short, multiple = false }]) => [
      flag,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
  try {
    return parseArgs({
      args: [...args],
      options: { ...withoutDefaults, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
      allowNegative: true,
    });
  } catch (error) {
    const wrong = wrongOption(options, args, Error.isError(error) ? error.message : String(error));
    throw new UsageError(`${wrong} (genops ${name} --help lists the options)`, { cause: error });
  }
}

const defaultsOf = (options: ParseArgsOptionsConfig): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(options).flatMap(([flag, { default: value }]) => (value === undefined ? [] : [[flag, value]])),
  );
