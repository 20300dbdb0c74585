import { describe, expect, test } from '@jest/globals';
import { serves } from '../../../../../operator/levers/postgresql/indexes/form.ts';
import { formOf } from './observations.ts';

describe('serves()', () => {
  test.each<{
    readonly name: string;
    readonly there: string | null;
    readonly wanted: string | null;
    readonly is: boolean;
  }>([
    { name: 'no predicate on either side', there: null, wanted: null, is: true },
    { name: 'a partial one where all rows are wanted', there: '(a IS NULL)', wanted: null, is: false },
    { name: 'one of all rows where few are wanted', there: null, wanted: '(a IS NULL)', is: false },
    {
      name: 'the values of an IN in another order',
      there: `(s = ANY (ARRAY['b'::text, 'a,''c]'::text]))`,
      wanted: `(s = ANY (ARRAY['a,''c]'::text, 'b'::text]))`,
      is: true,
    },
    {
      name: 'other values',
      there: `(s = ANY (ARRAY['b'::text, 'a'::text]))`,
      wanted: `(s = ANY (ARRAY['a'::text, 'c'::text]))`,
      is: false,
    },
    { name: 'conditions in another order', there: `((a = 1) AND (b = 2))`, wanted: `((b = 2) AND (a = 1))`, is: true },
    {
      name: 'a value that looks like two conditions',
      there: `((a = 'x) AND (y'::text) AND (b = 2))`,
      wanted: `((b = 2) AND (a = 'x) AND (y'::text))`,
      is: true,
    },
    {
      name: 'values changed between two conditions',
      there: `((a = 1) AND (b = 2))`,
      wanted: `((a = 2) AND (b = 1))`,
      is: false,
    },
    { name: 'another conjunction', there: `((a = 1) AND (b = 2))`, wanted: `((a = 1) OR (b = 2))`, is: false },
  ])('$name: $is', ({ there, wanted, is }) => {
    expect(serves(formOf('a', { predicate: there }), formOf('a', { predicate: wanted }))).toBe(is);
  });

  test('a unique index serves where none is asked for, not the other way round', () => {
    const [unique, plain] = [formOf('a', { isUnique: true }), formOf('a')];
    expect([serves(unique, plain), serves(plain, unique), serves(unique, unique)]).toEqual([true, false, true]);
  });

  test.each([
    { method: 'hash' },
    { keyColumns: 2 },
    { columns: ['b'] },
    { opclasses: '1' },
    { collations: '1' },
    { options: '3' },
  ])('an index with other %j is another', (other) => {
    expect(serves(formOf('a', other), formOf('a'))).toBe(false);
  });
});
