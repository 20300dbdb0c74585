import { expect, test } from '@jest/globals';
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
