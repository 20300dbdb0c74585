import { expect, test } from '@jest/globals';
import { colouredFor } from '../../../operator/cli/colour.ts';

const page = `ai/generation   not Ready (Conflict)   mode Enforce

Conditions
  Stalled          True     Conflict  saw True and False
  TargetFound      True     Found
  HorizontalApplied  False  Conflict
  ObjectivesMet    Unknown  Unknown
`;
const write = (): boolean => true;
const terminal = { write, isTTY: true };
const inked = new RegExp(`${String.fromCodePoint(27)}\\[(3[1-3])m(.*?)${String.fromCodePoint(27)}\\[39m`, 'g');

test('on a terminal what is well is green, what is not red, what nobody knows yellow; words of messages are as they are', () => {
  const shown = colouredFor(terminal, { TERM: 'xterm' })(page);
  const colours = [...shown.matchAll(inked)].map(([, ink, word]) => [word, ink]);
  expect(colours).toEqual([
    ['not Ready', '31'],
    ['True', '31'],
    ['True', '32'],
    ['False', '31'],
    ['Unknown', '33'],
  ]);
  expect(shown.replaceAll(inked, '$2')).toBe(page);
});

test.each([
  { name: 'a pipe', out: { write }, env: {} },
  { name: 'a terminal with NO_COLOR', out: terminal, env: { NO_COLOR: '1' } },
  { name: 'a terminal that has no colours', out: terminal, env: { TERM: 'dumb' } },
])('$name gets no colour', ({ out, env }) => {
  expect(colouredFor(out, env)(page)).toBe(page);
});
