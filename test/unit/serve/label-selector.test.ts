import { describe, expect, test } from '@jest/globals';
import { parseLabelSelector } from '../../../operator/serve/label-selector.ts';

const labels = { app: 'generation', 'genops.dev/tier': 'web', empty: '' };

describe('parseLabelSelector()', () => {
  test.each<{ selector: string; matches: boolean }>([
    { selector: '', matches: true },
    { selector: 'app=generation', matches: true },
    { selector: 'app == generation', matches: true },
    { selector: 'app=other', matches: false },
    { selector: 'app=generation,genops.dev/tier=web', matches: true },
    { selector: 'app=generation,genops.dev/tier=db', matches: false },
    { selector: 'app!=other', matches: true },
    { selector: 'absent!=other', matches: true },
    { selector: 'app in (a, generation)', matches: true },
    { selector: 'app in (a),empty', matches: false },
    { selector: 'app notin (a,b)', matches: true },
    { selector: 'absent notin (a)', matches: true },
    { selector: 'absent in (a)', matches: false },
    { selector: 'app', matches: true },
    { selector: '!app', matches: false },
    { selector: '!absent', matches: true },
    { selector: 'empty=', matches: true },
    { selector: 'absent=', matches: false },
    { selector: 'constructor', matches: false },
  ])('$selector: $matches', ({ selector, matches }) => {
    expect(parseLabelSelector(selector)(Object.assign(Object.create(null) as object, labels))).toBe(matches);
    expect(parseLabelSelector(selector)(labels)).toBe(matches);
  });
  test.each(['a b', 'a=b=c', 'a in b', 'a in (b', ',', 'a>1', 'a in (b c)'])('refuses %p', (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow(RangeError);
  });
});
