import { expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { createLeftOut } from '../../../operator/kube/left-out.ts';

const quiet = { debug: () => undefined, info: () => undefined, error: () => undefined };

/** Two collections of the namespaces a and b, and what was warned of. */
function twoCollections() {
  const warned: unknown[] = [];
  const state = () => ({ open: new Set<string | undefined>(['a', 'b']), refused: new Map<string, string>() });
  const [one, other] = [state(), state()];
  const collections = [one, other].map(({ open, refused }) => ({
    unlisted: () => [...open],
    forbidden: () => refused,
  }));
  const logger = { ...quiet, warn: (_: string, fields: object = {}) => warned.push(fields) };
  const leftOut = createLeftOut({ namespaces: ['a', 'b'], collections: () => collections, logger });
  return { one, other, leftOut, warned, collections };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  return await Promise.race([promise.then(() => false), setImmediate(true)]);
}

test('a namespace is left out from its first refusal until every collection has listed it, and is warned of once', async () => {
  const { one, other, leftOut, warned } = twoCollections();
  const settled = leftOut.settled(new AbortController().signal);
  one.refused.set('a', 'forbidden');
  leftOut.look();
  leftOut.look();
  expect([...leftOut.current()]).toEqual([['a', 'forbidden']]);
  expect(await isPending(settled)).toBe(true); // b is only slow
  one.open.delete('b');
  other.open.delete('b');
  leftOut.look();
  await settled;

  one.refused.delete('a');
  one.open.delete('a');
  leftOut.look();
  expect(leftOut.current().has('a')).toBe(true); // the other has not listed it yet
  other.open.delete('a');
  leftOut.look();
  expect(leftOut.current().size).toBe(0);
  expect(warned).toEqual([{ namespace: 'a', error: 'forbidden' }]);
});

test('where all are refused none is left out: the operator waits', async () => {
  const { one, leftOut } = twoCollections();
  const settled = leftOut.settled(new AbortController().signal);
  one.refused.set('a', 'forbidden').set('b', 'forbidden');
  leftOut.look();
  expect(leftOut.current().size).toBe(0);
  expect(await isPending(settled)).toBe(true);
});

test('of two that wait with one signal the second ends by it, also after the first has what it waited for', async () => {
  const { one, other, leftOut, collections } = twoCollections();
  const stop = new AbortController();
  const [first, second] = ['a', 'b'].map((namespace) => leftOut.listed(collections, namespace, stop.signal));
  one.open.delete('a');
  other.open.delete('a');
  leftOut.look();
  await first;
  stop.abort(new Error('stopped'));
  await expect(second).rejects.toThrow('stopped');
});
