import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  matches,
  parseSelector,
  selectorFrom,
  termsOf,
  type LabelRequirement,
  type Selector,
} from '../../../operator/kube/label-selector.ts';

const key = fc.constantFrom('app', 'tier', 'genops.dev/part', 'constructor');
const value = fc.constantFrom('', 'a', 'b', 'a.b-c_D');
const values = fc.array(value, { minLength: 1, maxLength: 3 });
const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('In', 'NotIn'), values }),
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist'), values: fc.constant([]) }),
);
const selectors = fc.array(requirement, { maxLength: 4 });
const labelled = fc.dictionary(key, value);

const written: Readonly<Record<LabelRequirement['operator'], (of: LabelRequirement) => string>> = {
  In: (of) => `${of.key} in (${of.values.join(',')})`,
  NotIn: (of) => `${of.key} notin (${of.values.join(', ')})`,
  Exists: (of) => of.key,
  DoesNotExist: (of) => `!${of.key}`,
};
const textOf = (selector: Selector): string => selector.map((one) => written[one.operator](one)).join(',');

test('an object and its text are the same selector', () => {
  fc.assert(
    fc.property(selectors, (selector) => {
      expect(selectorFrom({ matchExpressions: selector })).toEqual(selector);
      expect(parseSelector(textOf(selector))).toEqual(selector);
    }),
  );
});

test('matchLabels are equalities, in both forms', () => {
  fc.assert(
    fc.property(fc.dictionary(key, value), labelled, (matchLabels, labels) => {
      const terms = Object.entries(matchLabels);
      const expected = terms.every(([name, wanted]) =>
        Object.entries(labels).some((one) => one[0] === name && one[1] === wanted),
      );
      expect(matches(selectorFrom({ matchLabels }), labels)).toBe(expected);
      expect(matches(parseSelector(terms.map((term) => term.join('=')).join(',')), labels)).toBe(expected);
    }),
  );
});

test('a requirement and its opposite never both hold, and one of them does', () => {
  const opposite = { In: 'NotIn', NotIn: 'In', Exists: 'DoesNotExist', DoesNotExist: 'Exists' } as const;
  fc.assert(
    fc.property(requirement, labelled, (one, labels) => {
      const other = { ...one, operator: opposite[one.operator] };
      expect(matches([one], labels)).toBe(!matches([other], labels));
    }),
  );
});

test('all requirements must hold, and what matches has one of the terms', () => {
  fc.assert(
    fc.property(selectors, labelled, (selector, labels) => {
      const isMatch = matches(selector, labels);
      expect(isMatch).toBe(selector.every((one) => matches([one], labels)));
      const has = new Set(Object.entries(labels).map((label) => label.join('=')));
      const terms = termsOf(selector);
      if (isMatch && terms !== undefined) expect(terms.some((term) => has.has(term))).toBe(true);
    }),
  );
});
