import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Indexes } from '../../../operator/kube/indexes.ts';

const change = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  labels: fc.option(fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 4 }), { nil: undefined }),
});

test('finds at any moment what a search through everything finds', () => {
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const indexes = new Indexes<readonly string[]>({ label: (labels) => labels });
      const all = new Map<string, readonly string[]>();
      for (const { key, labels } of changes) {
        indexes.replace(key, all.get(key), labels);
        if (labels === undefined) all.delete(key);
        else all.set(key, labels);
        for (const value of ['x', 'y', 'z']) {
          const expected = [...all].filter(([, has]) => has.includes(value)).map(([name]) => name);
          expect([...indexes.keys('label', value)].toSorted()).toEqual(expected.toSorted());
        }
      }
    }),
  );
});

test('an index that was not declared is an error, not an empty answer', () => {
  expect(() => new Indexes({ owner: () => [] }).keys('ower', 'x')).toThrow('saw index ower; wanted one of owner');
});
