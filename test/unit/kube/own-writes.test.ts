import { beforeEach, describe, expect, test } from '@jest/globals';
import { createOwnWrites } from '../../../operator/kube/own-writes.ts';

/** A cache that has come as far as `version`. */
function cacheAt(version: number) {
  return { version, hasSeen: (_: string, resourceVersion: string) => cache.version >= Number(resourceVersion) };
}
const cache = cacheAt(5);
beforeEach(() => {
  cache.version = 5;
});

describe('own writes', () => {
  test('cover just what was written, until the cache has come as far', () => {
    const own = createOwnWrites<object>(cache);
    own.begin('n/a', { floor: 2 });
    own.end('n/a', { resourceVersion: '7' });
    expect(own.covers('n/a', { floor: 2 })).toBe(true);
    expect(own.covers('n/a', { floor: 3 })).toBe(false);
    expect(own.covers('n/b', { floor: 2 })).toBe(false);
    cache.version = 7;
    expect(own.covers('n/a', { floor: 2 })).toBe(false);
    cache.version = 5;
    expect(own.covers('n/a', { floor: 2 })).toBe(false); // forgotten for good
  });
  test('cover nothing that the server has not taken', () => {
    const own = createOwnWrites<object>(cache);
    own.begin('n/a', { floor: 2 });
    expect(own.covers('n/a', { floor: 2 })).toBe(false);
    own.forget('n/a');
    own.end('n/a', { resourceVersion: '7' });
    expect(own.covers('n/a', { floor: 2 })).toBe(false);
  });
  test('keep the newest when there are too many', () => {
    const own = createOwnWrites<object>(cache, 2);
    for (const key of ['a', 'b', 'a', 'c']) {
      own.begin(key, {});
      own.end(key, { resourceVersion: '7' });
    }
    expect(['a', 'b', 'c'].filter((key) => own.covers(key, {}))).toEqual(['a', 'c']);
  });
  test.each([
    { name: 'before the answer', isAnswered: false },
    { name: 'after the answer', isAnswered: true },
  ])('know their own event, once, $name', ({ isAnswered }) => {
    const own = createOwnWrites<object>(cache);
    own.begin('n/a', { floor: 2 });
    if (isAnswered) own.end('n/a', { resourceVersion: '7' });
    expect(own.isEcho('n/a', { floor: 3 })).toBe(false); // somebody else's, that came in between
    expect(own.isEcho('n/a', { floor: 2 })).toBe(true);
    expect(own.isEcho('n/a', { floor: 2 })).toBe(false);
  });
  test('take what comes after a refusal for news', () => {
    const own = createOwnWrites<object>(cache);
    own.begin('n/a', { floor: 2 });
    own.forget('n/a');
    expect(own.isEcho('n/a', { floor: 2 })).toBe(false);
  });
});
