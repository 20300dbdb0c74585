import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { createOwnWrites, hashOf } from '../../../operator/kube/own-writes.ts';

/** A cache that has come as far as `version`. */
function cacheAt(version: number) {
  return { version, hasSeen: (_: string, resourceVersion: string) => cache.version >= Number(resourceVersion) };
}
const cache = cacheAt(5);

describe('own writes', () => {
  test('cover just what was written, until the cache has come as far', () => {
    cache.version = 5;
    const own = createOwnWrites(cache);
    own.remember('n/a', 'hash', { resourceVersion: '7' });
    expect(own.covers('n/a', 'hash')).toBe(true);
    expect(own.covers('n/a', 'other')).toBe(false);
    expect(own.covers('n/b', 'hash')).toBe(false);
    cache.version = 7;
    expect(own.covers('n/a', 'hash')).toBe(false);
    cache.version = 5;
    expect(own.covers('n/a', 'hash')).toBe(false); // forgotten for good
  });
  test('keep the newest when there are too many', () => {
    cache.version = 0;
    const own = createOwnWrites(cache, 2);
    for (const key of ['a', 'b', 'a', 'c']) own.remember(key, 'hash', { resourceVersion: '7' });
    expect(['a', 'b', 'c'].filter((key) => own.covers(key, 'hash'))).toEqual(['a', 'c']);
  });
});

describe('hashOf()', () => {
  test('does not look at the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        expect(hashOf(Object.fromEntries(Object.entries(value).toReversed()))).toBe(hashOf(value));
      }),
    );
  });
  test('looks at everything else', () => {
    const hashes = [{ a: 1 }, { a: '1' }, { b: 1 }, [1, 2], [2, 1], null, {}, { a: { b: 1 } }].map((value) =>
      hashOf(value),
    );
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
