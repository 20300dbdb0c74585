import { expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { commands } from '../../../operator/cli/main.ts';

/** What sentences about genops go on with. A word that is neither here nor a command is a command that does not exist. */
const prose =
  'builds built cannot does for has have in index keeps may measures never reads runs takes that then to views'.split(
    ' ',
  );
/** Not a command: the Redis user, the release of Helm and the field manager (`ACL SETUSER genops reset`, `helm upgrade genops charts/genops`, `--field-manager=genops`). */
const named = /(?<!SETUSER |install |upgrade |field-manager=)\bgenops ([a-z]+(?:-[a-z]+)*)(?: ([a-z]+))?/g;

const unknownIn = (text: string): readonly string[] =>
  [...text.matchAll(named)]
    .filter(([, first = '', second = '']) => !(first in commands) && !(`${first} ${second}` in commands))
    .filter(([, first = '']) => !prose.includes(first))
    .map(([found]) => found);

/** Fences and spans: prose around them may say of genops what it likes. */
const codeOf = (markdown: string): string =>
  [...markdown.matchAll(/^```[\s\S]*?^```|`[^`\n]+`/gm)].map(([code]) => code).join('\n');

const sources = globSync('operator/**/*.ts');
const pages = ['README.md', ...globSync('docs/**/*.md', { exclude: ['docs/decisions/**'] })];

test('finds a command that does not exist', () => {
  expect(unknownIn('next: genops frobnicate says why, kubectl genops policy effective NAME does not')).toEqual([
    'genops frobnicate says',
  ]);
});

test.each(sources)('%s names commands that exist', (path) => {
  expect(unknownIn(readFileSync(path, 'utf8'))).toEqual([]);
});

test.each(pages)('%s names commands that exist', (path) => {
  expect(unknownIn(codeOf(readFileSync(path, 'utf8')))).toEqual([]);
});
