import { expect, test } from '@jest/globals';
import { openProgress, timeText } from '../../../operator/cli/progress.ts';

function shownOn(isTTY: boolean): string {
  let written = '';
  {
    using progress = openProgress({ isTTY, write: (text) => (written += text) }, Date.now() + 65_000);
    for (const text of ['1 of 2 met', '1 of 2 met', '0 of 2 met']) progress.show(text);
  }
  return written;
}

test('on a terminal one line is written anew with the time left, and wiped at the end', () => {
  const written = shownOn(true).split('\r\x1b[K');
  const left = /^[01] of 2 met \(1m0[45]s left\)$/;
  expect(written).toEqual(['', ...Array.from({ length: 3 }, () => expect.stringMatching(left)), '']);
});

test('elsewhere a line for each thing that is new', () => {
  expect(shownOn(false)).toBe('1 of 2 met\n0 of 2 met\n');
});

test.each([
  { ms: 0, text: '0s' },
  { ms: 1, text: '1s' },
  { ms: 60_000, text: '1m00s' },
  { ms: 545_000, text: '9m05s' },
  { ms: -1, text: '0s' },
])('$ms ms is $text', ({ ms, text }) => {
  expect(timeText(ms)).toBe(text);
});
