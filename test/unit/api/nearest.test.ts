import { expect, test } from '@jest/globals';
import { nearest } from '../../../operator/api/nearest.ts';

const words = ['policyRef', 'components', 'mode', 'redis', 'postgres'];
test.each([
  { written: 'polcyRef', meant: 'policyRef', why: 'a letter left out' },
  { written: 'policyref', meant: 'policyRef', why: 'a small letter' },
  { written: 'component', meant: 'components', why: 'one where there are several' },
  { written: 'comopnents', meant: 'components', why: 'two letters the other way round' },
  { written: 'mod', meant: 'mode', why: 'a short word' },
  { written: 'code', meant: 'mode', why: 'another letter' },
  { written: 'code_', meant: undefined, why: 'half of a short word is another one' },
  { written: 'replicas', meant: undefined, why: 'a word of its own' },
  { written: '', meant: undefined, why: 'nothing' },
])('for $written $meant is meant: $why', ({ written, meant }) => {
  expect(nearest(written, words)).toBe(meant);
});
