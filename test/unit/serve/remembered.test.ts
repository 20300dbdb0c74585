import { expect, test } from '@jest/globals';
import { createRemembered } from '../../../operator/serve/remembered.ts';

/** Counts how often it is asked. */
function counting() {
  let asked = 0;
  return { ask: async () => ++asked, asked: () => asked };
}

test('who asks the same meanwhile waits for the same answer, and it is kept', async () => {
  const remembered = createRemembered<number>({ keptMs: 60_000, most: 10 });
  const { ask, asked } = counting();
  expect(await Promise.all([remembered.of('a', ask), remembered.of('a', ask)])).toEqual([1, 1]);
  expect(await remembered.of('a', ask)).toBe(1);
  expect(await remembered.of('b', ask)).toBe(2);
  expect(asked()).toBe(2);
});

test('an answer that is old is asked for anew', async () => {
  const remembered = createRemembered<number>({ keptMs: 0, most: 10 });
  const { ask } = counting();
  expect([await remembered.of('a', ask), await remembered.of('a', ask)]).toEqual([1, 2]);
});

test('a failure is not kept', async () => {
  const remembered = createRemembered<number>({ keptMs: 60_000, most: 10 });
  await expect(remembered.of('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await remembered.of('a', () => Promise.resolve(7))).toBe(7);
});

test('the oldest answer goes when there are too many', async () => {
  const remembered = createRemembered<number>({ keptMs: 60_000, most: 2 });
  const { ask } = counting();
  for (const key of ['a', 'b', 'c']) await remembered.of(key, ask);
  expect([await remembered.of('c', ask), await remembered.of('a', ask)]).toEqual([3, 4]);
});
