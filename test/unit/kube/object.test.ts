import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { compareVersions, controllerOf, keyOf, ownerReference, splitKey } from '../../../operator/kube/object.ts';

const owner = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-11-25T00:00:00Z' },
};

test('a key is the inverse of its parts, with a namespace and without', () => {
  for (const metadata of [{ name: 'a', namespace: 'n' }, { name: 'a' }]) {
    expect(splitKey(keyOf({ metadata }))).toEqual({ namespace: undefined, ...metadata });
  }
});

test('a controlling owner is found again', () => {
  const reference = ownerReference(owner, { controller: true });
  expect(controllerOf({ metadata: { ownerReferences: [ownerReference(owner), reference] } })).toBe(reference);
  expect(controllerOf({ metadata: { ownerReferences: [ownerReference(owner)] } })).toBeUndefined();
});

describe('compareVersions()', () => {
  test('orders as numbers do, far beyond 2^53', () => {
    const version = fc.bigInt({ min: 0n, max: 2n ** 80n });
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(Math.sign(compareVersions(String(a), String(b)))).toBe(a < b ? -1 : Number(a > b));
      }),
    );
  });
  test('knows no order of what is not a number', () => expect(compareVersions('abc', '1')).toBe(0));
});
