import { expect, test } from '@jest/globals';
import { progressOn } from '../../../hack/cluster/progress.ts';

test.each([
  { name: 'a step that the signal ended was stopped', stop: true, expected: /^ {2}load: stopped after \d+\.\d s\n$/ },
  { name: 'a step that failed by itself failed', stop: false, expected: /^ {2}load: failed after \d+\.\d s\n$/ },
])('progressOn(): $name', async ({ stop, expected }) => {
  const written: string[] = [];
  const interrupted = new AbortController();
  const progress = progressOn({ write: (line: string) => written.push(line) > 0 }, interrupted.signal);
  const ended = progress.step('load', async () => {
    await Promise.resolve();
    if (stop) interrupted.abort();
    throw new Error('ended');
  });
  await expect(ended).rejects.toThrow('ended');
  expect(written.join('')).toMatch(expected);
});
