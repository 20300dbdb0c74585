import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { candidates } from '../../../operator/cli/candidates.ts';
import { clusterOf } from '../../../operator/cli/complete.ts';
import { commands } from '../../../operator/cli/main.ts';
import { genops } from './calls.ts';

interface Row {
  readonly line: string;
  readonly words: readonly string[];
  readonly also?: 'services' | 'namespaces' | 'files';
}
/** The cursor is at the end of each line. */
test.each<Row>([
  { line: 'pol', words: ['policy'] },
  { line: 'policy ', words: ['effective'] },
  { line: 're', words: ['report', 'replay'] },
  { line: 'nothing ', words: [] },
  { line: 'status ', words: [], also: 'services' },
  { line: 'policy effective ', words: [], also: 'services' },
  { line: 'status -n ai --output json ', words: [], also: 'services' },
  { line: 'status generation ', words: [] },
  { line: 'replay bundle.yaml ', words: [] },
  { line: 'completion bash ', words: [] },
  { line: 'status generation -n ', words: [], also: 'namespaces' },
  { line: 'status generation --output ', words: ['text', 'json', 'yaml', 'wide'] },
  { line: 'status -o j', words: ['json'] },
  { line: 'report -o ', words: ['yaml', 'json'] },
  { line: 'status generation --kubeconfig ', words: [], also: 'files' },
  { line: 'replay ', words: [], also: 'files' },
  { line: 'diff --con', words: ['--context'] },
  { line: 'policy effective -f a.yaml --f', words: ['--filename'] },
  { line: 'validate --wait 10m --wa', words: [] },
  { line: 'validate --allow-unexercised gen', words: [], also: 'services' },
  { line: 'completion ', words: ['bash', 'zsh', 'fish', 'kubectl'] },
] as const)('genops $line is completed by $words and $also', ({ line, words, also }) => {
  expect(candidates(commands, line.split(' '))).toEqual({ words, ...(also === undefined ? {} : { also }) });
});

test.each([
  { how: 'as zsh, fish and kubectl hand it over', words: ['status', '--output=j'], expected: 'json\n:4\n' },
  { how: 'as bash does', words: ['status', '--output', '=', 'j'], expected: 'json\n:4\n' },
  {
    how: 'as bash does with nothing behind it',
    words: ['status', '--output', '='],
    expected: 'text\njson\nyaml\nwide\n:4\n',
  },
  { how: 'and a word after it', words: ['status', '--output', '=', 'json', '--con'], expected: '--context\n:4\n' },
  { how: 'and a file', words: ['status', '--kubeconfig='], expected: ':0\n' },
])('an option with = is completed by its values, $how', async ({ words, expected }) => {
  expect(await genops(['__complete', ...words])).toEqual({ code: 0, out: expected, err: '' });
});

test('of the first word every command is offered, and an option of one that has it', () => {
  const first = Object.keys(commands).map((name) => name.split(' ')[0]);
  expect(candidates(commands, ['']).words).toEqual([...new Set(first)]);
  expect(candidates(commands, ['status', '--']).words).toEqual(
    expect.arrayContaining(['--namespace', '--output', '--help']),
  );
});

test('what only a cluster knows is left out where there is none, and nothing is said of it', async () => {
  expect(await genops(['__complete', 'status', '--kubeconfig', '/nowhere', ''])).toEqual({
    code: 0,
    out: ':4\n',
    err: '',
  });
  expect(await genops(['__complete', 'status', '--kubeconfig', ''])).toEqual({ code: 0, out: ':0\n', err: '' });
});

test.each([
  { words: ['status', '-n', 'ai', ''], env: {}, namespace: 'ai' },
  { words: ['status', '-nai', ''], env: {}, namespace: 'ai' },
  { words: ['status', '--namespace=ai', '-o', 'json', ''], env: { GENOPS_NAMESPACE: 'other' }, namespace: 'ai' },
  { words: ['status', '-o', 'json', ''], env: { GENOPS_NAMESPACE: 'ai' }, namespace: 'ai' },
  { words: ['status', 'x', '-n', 'begun'], env: {}, namespace: undefined },
] as const)('with $words and $env names are those of namespace $namespace', ({ words, env, namespace }) => {
  expect(clusterOf(words, env)).toEqual({ kubeconfig: undefined, context: undefined, namespace });
});

test('an API server that does not answer holds up no shell', async () => {
  await using stack = new AsyncDisposableStack();
  const silent = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
  stack.defer(() => new Promise<void>((resolve) => void silent.close(() => resolve())));
  await once(silent, 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'genops-tab-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, 'kubeconfig');
  const { port } = silent.address() as AddressInfo;
  const cluster = { name: 'it', cluster: { server: `https://127.0.0.1:${port}` } };
  const context = { name: 'it', context: { cluster: 'it', user: 'it' } };
  const parts = {
    clusters: [cluster],
    contexts: [context],
    users: [{ name: 'it', user: {} }],
    'current-context': 'it',
  };
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...parts }));
  const began = performance.now();
  expect((await genops(['__complete', 'status', '--kubeconfig', file, ''])).out).toBe(':4\n');
  expect(performance.now() - began).toBeLessThan(4_000);
}, 20_000);

test('genops completion without a shell says which there are', async () => {
  expect(await genops(['completion', 'tcsh'])).toEqual({
    code: 2,
    out: '',
    err: 'genops completion: saw tcsh; wanted one of bash, zsh, fish, kubectl\n',
  });
});
