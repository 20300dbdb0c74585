import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { genops } from './calls.ts';

test('genops version prints the version of package.json and of Node', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await genops(['version'])).toEqual({ code: 0, out: `genops ${version} (node ${process.version})\n`, err: '' });
});
