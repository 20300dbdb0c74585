import { expect, test } from '@jest/globals';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { commands } from '../../operator/cli/main.ts';

const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { exclude: ['docs/decisions/**', 'docs/reference/**'] })]; // prettier-ignore
const makefile = readFileSync('Makefile', 'utf8');
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
  readonly type?: string;
}
const values = JSON.parse(readFileSync('charts/genops/values.schema.json', 'utf8')) as Schema & {
  readonly definitions: Readonly<Record<string, Schema>>;
};

/** Commands of a page: each line of its `sh` fences, and each span that begins as a command does. */
function commandsOf(markdown: string): readonly string[] {
  const fences = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, code = '']) =>
    code.replaceAll(/\\\n\s*/g, ' ').split('\n'),
  );
  const spans = [...markdown.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(([, code = '']) => code);
  return [...fences, ...spans].flatMap(simpleCommands);
}

/** What a shell would start one by one: no comments, pipes and substitutions taken apart. */
const simpleCommands = (line: string): readonly string[] =>
  line
    .replaceAll(/(?<=^|\s)#.*$/g, '')
    .split(/\s+(?:&&|\|\||[|;&])(?:\s+|$)|;\s+|\$\(|\)$|<\(/)
    .map((part) => part.trim().replaceAll(/\s+/g, ' '))
    .filter((part) => part !== '');

const words = (command: string): readonly string[] =>
  [...command.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) => word.replaceAll(/['"]/g, ''));

/** What is wrong with a command; undefined: nothing, or it is none that is looked at. */
function wrongWith(command: string): string | undefined {
  const [program = '', ...args] = words(command).filter((word, index, all) => !(index === 0 && /^[A-Z_]+=/.test(word) && all.length > 1)); // prettier-ignore
  const script = args.findIndex((word) => word.endsWith('/genops.mjs') || word === 'operator/main.ts');
  if (script !== -1 && program !== 'ln') return wrongCall(args.slice(script + 1));
  if (program === 'genops') return wrongCall(args);
  if (program === 'kubectl' && args[0] === 'genops') return wrongCall(args.slice(1));
  if (program === 'make') return wrongTarget(args);
  if (program === 'helm' || program === '--set' || program === '--set-json') return wrongValue([program, ...args]);
  return wrongPath(program, args);
}

const isPlaceholder = (word: string): boolean => /^[A-Z][A-Z.]*$|^…|^\.\.\./.test(word);

function wrongCall(args: readonly string[]): string | undefined {
  if (args.length === 0 || args[0] === 'index' || isPlaceholder(args[0] ?? '') || args[0]?.startsWith('--') === true)
    return undefined;
  const name = Object.keys(commands).find((known) => known.split(' ').every((word, index) => args[index] === word));
  const command = name === undefined ? undefined : commands[name];
  if (name === undefined || command === undefined) return `no command ${args.join(' ')}`;
  const options = Object.fromEntries(
    Object.entries(command.options).map(([flag, { type, short }]) => [flag, { type, multiple: true, ...(short === undefined ? {} : { short }) } as const]), // prettier-ignore
  );
  const given = args.slice(name.split(' ').length).filter((word) => !/^[<>]/.test(word));
  try {
    const { values: said } = parseArgs({ args: given, options, allowPositionals: true, allowNegative: true });
    const wrong = Object.entries(command.choices ?? {}).find(([flag, known]) =>
      [said[flag] ?? []].flat().some((word) => !known.includes(String(word)) && !isPlaceholder(String(word))),
    );
    return wrong === undefined ? undefined : `--${wrong[0]} takes one of ${wrong[1].join(', ')}`;
  } catch (error) {
    return Error.isError(error) ? error.message : String(error);
  }
}

const wrongTarget = (args: readonly string[]): string | undefined => {
  const wanted = args.filter((word) => !word.includes('=') && /^[a-z]/.test(word));
  const variables = args.flatMap((word) => /^([A-Z_]+)=/.exec(word)?.[1] ?? []);
  const target = wanted.find((word) => !new RegExp(`^(?:[a-z-]+ )*${word}(?: [a-z-]+)*:`, 'm').test(makefile));
  if (target !== undefined) return `make has no ${target}`;
  const variable = variables.find((name) => !makefile.includes(name));
  return variable === undefined ? undefined : `make knows no ${variable}`;
};

/** Each path of `--set a.b=c,d=e` has to be one that values.schema.json has. */
function wrongValue(args: readonly string[]): string | undefined {
  const given = args.flatMap((word, index) => {
    if (word === '--set-json') return [args[index + 1]?.split('=', 1)[0] ?? ''];
    return word === '--set' ? (args[index + 1]?.split(',').map((one) => one.split('=', 1)[0] ?? '') ?? []) : [];
  });
  const unknown = given.find((path) => !isPlaceholder(path) && !hasValue(path));
  if (unknown !== undefined) return `the chart has no value ${unknown}`;
  return wrongPath('helm', args);
}

function hasValue(path: string): boolean {
  let at: Schema | undefined = values;
  for (const key of path.replaceAll(/\[\d+\]/g, '').split('.')) {
    if (at?.$ref !== undefined) at = values.definitions[at.$ref.replace('#/definitions/', '')];
    if (at?.properties === undefined) return at?.type === 'object' || at?.type === 'array';
    at = at.properties[key];
  }
  return at !== undefined;
}

/** Paths of this checkout: whatever begins with one of its folders. */
const wrongPath = (program: string, args: readonly string[]): string | undefined => {
  const ours = [program, ...args].filter((word) =>
    /^(?:charts|config|crds|docs|hack|test|operator)(?:\/[^<{]*)?$/.test(word),
  );
  const missing = ours.find((path) => !existsSync(path.replace(/[:#].*$/, '')) && globSync(path).length === 0);
  return missing === undefined ? undefined : `no ${missing}`;
};

test.each([
  ['genops frobnicate generation', 'no command frobnicate generation'],
  ['genops status generation --frobnicate', "Unknown option '--frobnicate'"],
  ['kubectl genops diff --wait 10m', "Unknown option '--wait'"],
  ['genops diff generation -o wide', '--output takes one of '],
  ['make frobnicate', 'make has no frobnicate'],
  ['make demo FROBNICATE=1', 'make knows no FROBNICATE'],
  ['helm upgrade genops charts/genops --set views.enbled=true', 'the chart has no value views.enbled'],
  ['helm install genops charts/gen', 'no charts/gen'],
  ['kubectl apply -k config/frobnicate', 'no config/frobnicate'],
])('finds what is wrong with `%s`', (command, wrong) => {
  expect(wrongWith(command)).toMatch(wrong.slice(0, 40));
});

test('takes pipelines, substitutions and comments apart', () => {
  expect(commandsOf('```sh\nA=1 genops x \\\n  -n ai | kubectl y & # then\nsource <(genops z)\n```\n`make t`')).toEqual(
    ['A=1 genops x -n ai', 'kubectl y', 'source', 'genops z', 'make t'],
  );
});

test.each(pages)('every command of %s is one that there is, with options, values and files that there are', (page) => {
  const wrong = commandsOf(readFileSync(page, 'utf8')).flatMap((command) => {
    const why = wrongWith(command);
    return why === undefined ? [] : [`${command}: ${why}`];
  });
  expect(wrong).toEqual([]);
});

test('every command of the workflows is one that there is', () => {
  const runs = globSync('.github/workflows/*.yaml').flatMap((file) => {
    const { jobs } = parse(readFileSync(file, 'utf8')) as {
      readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string }[] }>>;
    };
    return Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run = '' }) => run.split('\n')));
  });
  expect(runs.length).toBeGreaterThan(10);
  expect(runs.flatMap(simpleCommands).filter((command) => wrongWith(command) !== undefined)).toEqual([]);
});

test('docs/comparison.md has the figures of docs/decision-quality.md', () => {
  const rows = (page: string, name: string): readonly (readonly number[])[] =>
    [...readFileSync(page, 'utf8').matchAll(new RegExp(`^\\| (?:${name})[^|]*\\|([ \\d.|%]+)\\|$`, 'gm'))]
      .map(([, cells = '']) => cells.split('|').slice(0, 3).map(parseFloat)); // prettier-ignore
  const told = rows('docs/comparison.md', 'HPA, Pods|Knative|genops, Lookahead');
  expect(told).toHaveLength(6);
  expect(told).toEqual(rows('docs/decision-quality.md', 'hpa|kpa|lookahead').slice(0, 6));
});

test('each proof of docs/capability.md is a test that there is', () => {
  const page = readFileSync('docs/capability.md', 'utf8');
  const proofs = [...page.matchAll(/\]\(\.\.\/(test\/[^)]+)\)((?:,? "[^"\n]+")+)/g)].flatMap(
    ([, file = '', titles = '']) => [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => ({ file, title })),
  );
  expect(proofs.length).toBeGreaterThan(15);
  expect(page.match(/\]\(\.\.\/test\/[^)]+\)(?!,? ")/g)).toBeNull(); // a file alone proves nothing
  expect(proofs.filter(({ file, title }) => !readFileSync(file, 'utf8').includes(title))).toEqual([]);
});

test.each([...pages, 'CHANGELOG.md'])('every link of %s to this checkout leads somewhere', (page) => {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(
    ([, link = '']) => link,
  );
  expect(links.filter((link) => !existsSync(join(dirname(page), link)))).toEqual([]);
});

test('make ok is what CI runs, in its order', () => {
  const ci = [...readFileSync('.ci/run', 'utf8').matchAll(/^make (.+)$/gm)].flatMap(([, targets = '']) =>
    targets.split(' '),
  );
  expect(ci).toContain('demo');
  expect(/^ok: (.+) ##/m.exec(makefile)?.[1]?.split(' ')).toEqual(ci);
});
