import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { differences } from '../../../operator/levers/differences.ts';

const identical = (_: string, from: unknown, to: unknown): boolean => from === to;

describe('differences()', () => {
  test.each([
    { name: 'equal', from: { a: 1 }, to: { a: 1 }, expected: [] },
    { name: 'another leaf', from: { a: { b: 1 } }, to: { a: { b: 2 } }, expected: [['spec.a.b', '1', '2']] },
    { name: 'a leaf that is not there', from: {}, to: { a: 'x' }, expected: [['spec.a', undefined, 'x']] },
    { name: 'nothing there at all', from: undefined, to: { a: 1 }, expected: [['spec.a', undefined, '1']] },
    { name: 'what the server fills in by itself', from: { a: 1, b: 2 }, to: { a: 1 }, expected: [] },
    { name: 'what is not asked for', from: { a: 1 }, to: { a: undefined }, expected: [] },
    { name: 'an item of a list', from: { a: [1, 2] }, to: { a: [1, 3] }, expected: [['spec.a[1]', '2', '3']] },
    { name: 'a list of another length', from: { a: [1] }, to: { a: [1, 2] }, expected: [['spec.a', '[1]', '[1,2]']] },
    { name: 'a record for a leaf', from: { a: 1 }, to: { a: { b: 1 } }, expected: [['spec.a', '1', '{"b":1}']] },
    { name: 'null for a record', from: { a: null }, to: { a: { b: 1 } }, expected: [['spec.a', 'null', '{"b":1}']] },
  ])('$name', ({ from, to, expected }) => {
    const found = differences(from, to, 'spec', identical);
    expect(found.map((one) => [one.field, one.from, one.to])).toEqual(expected);
  });

  test('asks `equal` with the field and both leaves, in this order', () => {
    const asked: unknown[] = [];
    const equal = (...leaves: readonly unknown[]): boolean => asked.push(leaves) > 0;
    expect(differences({ a: 1, b: ['x'] }, { a: 2, b: ['y'] }, 'spec', equal)).toEqual([]);
    expect(asked).toEqual([
      ['spec.a', 1, 2],
      ['spec.b[0]', 'x', 'y'],
    ]);
  });

  test('nothing differs from itself', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(differences(value, value, 'spec', identical)).toEqual([])));
  });
});
