import { expect, test } from '@jest/globals';
import { stoppable } from '../../../../hack/demo/stoppable.ts';

test.each([
  { name: 'a step that the signal ended was stopped', stop: true, expected: /^ {2}load: stopped after \d+\.\d s\n$/ },
  { name: 'a step that failed by itself failed', stop: false, expected: /^ {2}load: failed after \d+\.\d s\n$/ },
])('stoppable(): $name', async ({ stop, expected }) => {
  const written: string[] = [];
  const interrupted = new AbortController();
  const progress = stoppable({ write: (line: string) => written.push(line) > 0 }, interrupted.signal);
  const ended = progress.step('load', async () => {
    await Promise.resolve();
    if (stop) interrupted.abort();
    throw new Error('ended');
  });
  await expect(ended).rejects.toThrow('ended');
  expect(written.join('')).toMatch(expected);
});

test('stoppable(): lines come out at once and in order', () => {
  const written: string[] = [];
  const progress = stoppable({ write: (line: string) => written.push(line) > 0 }, new AbortController().signal);
  for (const line of ['one', 'two', 'three']) progress.line(line);
  expect(written).toEqual(['one\n', 'two\n', 'three\n']);
});
