import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { postgresParameterNames } from '../../../../operator/api/postgres-parameters.ts';

test('the documentation grants just what a policy may declare', () => {
  const [, list = ''] = /name IN \((.*?)\n {2}\)\);/s.exec(readFileSync('docs/levers/postgresql.md', 'utf8')) ?? [];
  expect([...list.matchAll(/'([a-z_]+)'/g)].map(([, name]) => name)).toEqual(postgresParameterNames);
});
