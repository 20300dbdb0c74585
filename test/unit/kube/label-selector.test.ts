import { describe, expect, test } from '@jest/globals';
import { matches, parseSelector, selectorFrom, termsOf } from '../../../operator/kube/label-selector.ts';

const labels = { app: 'generation', 'genops.dev/tier': 'web', empty: '' };

describe('parseSelector()', () => {
  test.each([
    { selector: '', isMatch: true },
    { selector: 'app=generation', isMatch: true },
    { selector: 'app == generation', isMatch: true },
    { selector: 'app=other', isMatch: false },
    { selector: 'app=generation,genops.dev/tier=web', isMatch: true },
    { selector: 'app=generation,genops.dev/tier=db', isMatch: false },
    { selector: 'app!=other', isMatch: true },
    { selector: 'app!=generation', isMatch: false },
    { selector: 'absent!=other', isMatch: true },
    { selector: 'app in (a, generation)', isMatch: true },
    { selector: 'app in (a),empty', isMatch: false },
    { selector: 'app notin (a,b)', isMatch: true },
    { selector: 'absent notin (a)', isMatch: true },
    { selector: 'absent in (a)', isMatch: false },
    { selector: 'app', isMatch: true },
    { selector: '!app', isMatch: false },
    { selector: '!absent', isMatch: true },
    { selector: 'empty=', isMatch: true },
    { selector: 'absent=', isMatch: false },
    { selector: 'constructor', isMatch: false },
  ])('$selector: $isMatch', ({ selector, isMatch }) => {
    expect(matches(parseSelector(selector), Object.assign(Object.create(null) as object, labels))).toBe(isMatch);
    expect(matches(parseSelector(selector), labels)).toBe(isMatch);
  });
  test.each(['a b', 'a=b=c', 'a in b', 'a in (b', ',', 'a>1', 'a in (b c)'])('refuses %p', (selector) => {
    expect(() => parseSelector(selector)).toThrow(RangeError);
  });
});

describe('selectorFrom()', () => {
  const tier = 'genops.dev/tier';
  test.each([
    { name: 'nothing', selector: {}, isMatch: true },
    { name: 'labels', selector: { matchLabels: { app: 'generation', [tier]: 'web' } }, isMatch: true },
    {
      name: 'labels and an expression that does not hold',
      selector: {
        matchLabels: { app: 'generation' },
        matchExpressions: [{ key: tier, operator: 'NotIn', values: ['web'] }],
      },
      isMatch: false,
    },
    {
      name: 'expressions alone',
      selector: {
        matchExpressions: [
          { key: 'app', operator: 'In', values: ['a', 'generation'] },
          { key: 'empty', operator: 'Exists' },
          { key: 'absent', operator: 'DoesNotExist' },
        ],
      },
      isMatch: true,
    },
    {
      name: 'an operator that we do not know',
      selector: { matchExpressions: [{ key: 'app', operator: 'Gt', values: ['1'] }] },
      isMatch: false,
    },
  ])('$name: $isMatch', ({ selector, isMatch }) => {
    expect(matches(selectorFrom(selector), labels)).toBe(isMatch);
  });
});

describe('termsOf()', () => {
  test.each([
    { selector: 'tier in (a,b),app=web,x!=y', terms: ['app=web'] },
    { selector: 'tier in (a,b,a)', terms: ['tier=a', 'tier=b'] },
    { selector: 'app,!canary,tier notin (a)', terms: undefined },
    { selector: '', terms: undefined },
  ])('$selector: $terms', ({ selector, terms }) => {
    expect(termsOf(parseSelector(selector))).toEqual(terms);
  });
});
