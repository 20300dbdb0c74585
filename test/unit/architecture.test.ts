import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { globSync } from 'node:fs';
import { posix } from 'node:path';

/** Data flows one way: watch → resolve → observe → decide → apply → report. A folder may import itself and what the table of docs/architecture.md says. */
const table = [...readFileSync('docs/architecture.md', 'utf8').matchAll(/^\| `operator\/(\w+)` .*\| ([^|]+?) +\|$/gm)];
const rooms = table.map(([, room = '']) => room);
const mayImport = new Map(table.map(([, room = '', words = '']) => [room, roomsIn(words)]));

function roomsIn(words: string): readonly string[] {
  const but = /^all but (.*)$/.exec(words)?.[1]?.split(', ');
  if (but !== undefined) return rooms.filter((room) => !but.includes(room));
  return words === '–' ? [] : words.split(', ');
}

const files = globSync('operator/**/*.ts').map((path) => path.replaceAll('\\', '/'));
const importsOf = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(([, target]) => target ?? '');
const roomOf = (path: string): string => path.split('/')[1] ?? '';

test('every folder of operator/ is in the import table, and no other', () => {
  const folders = new Set(files.map(roomOf).filter((room) => !room.endsWith('.ts')));
  expect(new Set(rooms)).toEqual(folders);
  expect([...mayImport.values()].flat().filter((room) => !folders.has(room))).toEqual([]);
});

test('the table has no circle: nobody may import who imports him', () => {
  const both = rooms.filter((room) =>
    mayImport.get(room)?.some((other) => other !== room && mayImport.get(other)?.includes(room)),
  );
  expect(both).toEqual([]);
});

test('the picture names only folders and files that are there', () => {
  const [, picture = ''] = /```text\n(.*?)```/s.exec(readFileSync('docs/architecture.md', 'utf8')) ?? [];
  const named = [...picture.matchAll(/(?<![*\w])(\w+)\/(?!\w)/g)].map(([, room = '']) => room);
  expect(named).toEqual(expect.arrayContaining(['reconcilers', 'decide', 'levers', 'metrics']));
  expect(named.filter((room) => !mayImport.has(room))).toEqual([]);
  const code = [...picture.matchAll(/[\w-]+\.ts/g)].map(([name]) => name);
  expect(code.filter((name) => !files.some((path) => posix.basename(path) === name))).toEqual([]);
});

test('imports follow the table', () => {
  const wrong = files
    .filter((path) => mayImport.has(roomOf(path)))
    .flatMap((path) =>
      importsOf(path)
        .filter((target) => target.startsWith('.'))
        .map((target) => posix.join(posix.dirname(path), target))
        .filter((target) => {
          const [from, to] = [roomOf(path), roomOf(target)];
          return !target.startsWith('operator/') || (from !== to && mayImport.get(from)?.includes(to) !== true);
        })
        .map((target) => `${path} imports ${target}`),
    );
  expect(wrong).toEqual([]);
});

test('a lever imports no other lever', () => {
  const leverOf = (path: string): string | undefined => /^operator\/levers\/([^/]+)\/./.exec(path)?.[1];
  const wrong = files
    .filter((path) => leverOf(path) !== undefined)
    .flatMap((path) =>
      importsOf(path)
        .filter((target) => target.startsWith('.'))
        .map((target) => leverOf(posix.join(posix.dirname(path), target)))
        .filter((other) => other !== undefined && other !== leverOf(path))
        .map((other) => `${path} imports the lever ${other}`),
    );
  expect(wrong).toEqual([]);
});

/** What of the levers does I/O, by its name: to look at the world or to change it, and what that takes. Every other file there decides. */
const doesIo = [
  'operator/levers/run.ts', // the three verbs
  'operator/levers/registry.ts',
  'operator/levers/apply-owned.ts',
  'operator/levers/owned-config-map.ts',
  'operator/levers/owner-object.ts',
  'operator/levers/*/lever.ts',
  'operator/levers/*/{observe,apply}.ts',
  'operator/levers/horizontal/floor.ts',
  'operator/levers/redis/{big-keys,key-sample,key-walk,connect,config,every-node,owner,parting-words,sentinel,slow-log,sweep}.ts',
  'operator/levers/postgresql/indexes/{lever,observe,apply,builds,catalogue,holders,room,standby-scans,statement-counts,survey}.ts',
  'operator/levers/postgresql/advice/{advisor,answers,hypothetical,planned,prove,read,sandbox,worst}.ts',
  'operator/levers/runtime/{acknowledged,admin,push}.ts',
  'operator/levers/load-balancer/{agent,certificate,connections,dns-server,generation,kept,nginx-process,nginx-program,request-log-server,tending,watched,workers}.ts',
  'operator/levers/postgresql/{connect,copies,owner,settings,statements,statistics}.ts',
];
const pure = files.filter(
  (path) =>
    path.startsWith('operator/decide/') ||
    path.startsWith('operator/simulate/') ||
    (path.startsWith('operator/levers/') && !doesIo.some((pattern) => posix.matchesGlob(path, pattern))),
);
/** What they may call of what is not itself held to be pure. */
const harmless: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['createHash'],
  'node:net': ['isIP', 'isIPv4'],
  'node:util': ['isDeepStrictEqual'],
  'lru-cache': ['LRUCache'], // bounded by a number of entries it reads no clock
  pg: ['escapeIdentifier', 'escapeLiteral'],
  'operator/kube/object.ts': ['controllerOf'],
  'operator/kube/resource.ts': ['resource'],
  'operator/levers/apply-owned.ts': ['managers'], // their names
};

/** Values that a file imports: a type is gone before anything runs. */
function valuesOf(path: string): readonly { readonly name: string; readonly target: string }[] {
  const imports = readFileSync(path, 'utf8').matchAll(
    /^(?:import|export(?= [*{])) (?!type\b)([^;']*?) from '([^']+)'/gm,
  );
  return [...imports].flatMap(([, names = '', target = '']) =>
    names
      .split(/[{},]/)
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '))
      .map((name) => ({
        name: name.split(' as ')[0] ?? '',
        target: target.startsWith('.') ? posix.join(posix.dirname(path), target) : target,
      })),
  );
}

test('what decides has no clock, no chance, no process, no await', () => {
  const impure =
    /\bDate\.now\(|new Date\(\)|\bperformance\.|Math\.random|\bprocess\.|\basync\b|\bawait\b|\bfetch\(|console\.|\bset(?:Timeout|Interval)\b/;
  const wrong = pure.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(\/\/|\*|\/\*\*)/.test(line) && impure.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );
  expect(wrong).toEqual([]);
});

test('what decides calls nothing that looks or does', () => {
  const mayCall = new Set(pure);
  const wrong = pure.flatMap((path) =>
    valuesOf(path)
      .filter(
        ({ name, target }) =>
          target !== 'typebox' &&
          !target.startsWith('operator/api/') &&
          !mayCall.has(target) &&
          !harmless[target]?.includes(name),
      )
      .map(({ name, target }) => `${path} imports ${name} of ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('each file that is said to look or to do is there', () => {
  expect(doesIo.filter((pattern) => !files.some((path) => posix.matchesGlob(path, pattern)))).toEqual([]);
});
