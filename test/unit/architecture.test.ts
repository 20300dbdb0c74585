import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { globSync } from 'node:fs';
import { posix } from 'node:path';

/** Data flows one way: watch → resolve → observe → decide → apply → report. A folder may import itself and what stands here. */
const mayImport = {
  api: [],
  kube: [],
  telemetry: ['api'],
  decide: ['api'],
  metrics: ['api', 'kube', 'telemetry', 'decide'],
  levers: ['api', 'kube', 'telemetry', 'decide', 'metrics'],
  reconcilers: ['api', 'kube', 'telemetry', 'decide', 'metrics', 'levers'],
  serve: ['api', 'kube', 'telemetry', 'decide', 'metrics'],
  cli: ['api', 'kube', 'telemetry', 'decide', 'metrics', 'levers', 'reconcilers', 'serve'],
  runtime: ['api'],
} as const satisfies Record<string, readonly string[]>;

const files = globSync('operator/**/*.ts').map((path) => path.replaceAll('\\', '/'));
const importsOf = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(([, target]) => target ?? '');
const roomOf = (path: string): string => path.split('/')[1] ?? '';

test('every folder of operator/ is in the import table', () => {
  const rooms = new Set(files.map(roomOf).filter((room) => !room.endsWith('.ts')));
  expect([...rooms].filter((room) => !(room in mayImport))).toEqual([]);
});

test('imports follow the table', () => {
  const wrong = files
    .filter((path) => roomOf(path) in mayImport)
    .flatMap((path) =>
      importsOf(path)
        .filter((target) => target.startsWith('.'))
        .map((target) => posix.join(posix.dirname(path), target))
        .filter((target) => {
          const [from, to] = [roomOf(path), roomOf(target)];
          return (
            !target.startsWith('operator/') ||
            (from !== to && !(mayImport as Record<string, readonly string[]>)[from]?.includes(to))
          );
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

test('what decides has no clock, no chance, no process, no await, no client', () => {
  const pure = files.filter(
    (path) => path.startsWith('operator/decide/') || /^operator\/levers\/[^/]+\/plan\.ts$/.test(path),
  );
  const wrong = pure.flatMap((path) => [
    ...readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(\/\/|\*|\/\*\*)/.test(line))
      .filter((line) => /\bDate\.now\(|new Date\(\)|Math\.random|\bprocess\.|\bawait\b|console\./.test(line))
      .map((line) => `${path}: ${line.trim()}`),
    ...importsOf(path)
      .filter((target) => !target.startsWith('.') && !['typebox', 'node:crypto'].includes(target)) // schemas, hashes
      .map((target) => `${path} imports ${target}`),
  ]);
  expect(wrong).toEqual([]);
});
