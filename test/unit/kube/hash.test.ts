import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { hashOf } from '../../../operator/kube/hash.ts';

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
