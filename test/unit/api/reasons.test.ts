import { expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import type { ReasonText } from '../../../operator/api/lever-reasons.ts';
import { conditions } from '../../../operator/api/reasons.ts';

const all = Object.entries(conditions).flatMap(([type, { reasons }]) =>
  Object.entries<ReasonText>(reasons).map(([reason, { means, next }]) => ({ type, reason, means, next })),
);

test.each(all)('$type $reason is one word and says in a sentence what it means', ({ reason, means }) => {
  expect(reason).toMatch(/^[A-Z][A-Za-z]+$/);
  expect(means).toMatch(/\.$/);
});

test.each(all.filter(({ next }) => next !== undefined))('$type $reason: the next step is a sentence', ({ next }) => {
  expect(next).toMatch(/\.$/);
});

/** Conditions of levers that are not built yet: their reasons stand there for the lever that is to come. A line goes with it. */
const waiting: ReadonlySet<string> = new Set([
  'VerticalApplied',
  'ResourcesApplied',
  'RuntimeApplied',
  'LoadBalancerApplied',
  'PostgresApplied',
  'OptimizerActive',
]);
const code = globSync('operator/**/*.ts', { exclude: ['operator/api/*reasons.ts'] })
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');

test.each(all.filter(({ type }) => !waiting.has(type)))('somebody says $reason of $type', ({ reason }) => {
  expect(code.includes(`'${reason}'`)).toBe(true);
});
