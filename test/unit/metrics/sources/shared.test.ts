import { expect, test } from '@jest/globals';
import { createSharedAnswers } from '../../../../operator/metrics/sources/shared.ts';

function world() {
  let now = 0;
  let loads = 0;
  const answers = createSharedAnswers<{ readonly load: number }>(() => now);
  const load = (): Promise<{ readonly load: number }> => Promise.resolve({ load: ++loads });
  return {
    pass: (ms: number) => void (now += ms),
    ask: (taken?: { readonly load: number }, key = 'a') => answers.ask(key, { maxAgeMs: 10_000, taken }, load),
    loads: () => loads,
    answers,
  };
}

test('all who ask within an interval get one answer', async () => {
  const { ask, pass, loads } = world();
  const [a, b] = await Promise.all([ask(), ask()]);
  pass(9_999);
  expect([a, b, await ask()]).toEqual([{ load: 1 }, { load: 1 }, { load: 1 }]);
  pass(1);
  expect(await ask()).toEqual({ load: 2 });
  expect(loads()).toBe(2);
});

test('nobody is given an answer twice: two who ask each 10 s make one load each 10 s', async () => {
  const { ask, pass, loads } = world();
  let [a, b] = [await ask(), undefined as { readonly load: number } | undefined];
  for (let turn = 0; turn < 10; turn++) {
    pass(4_000);
    b = await ask(b);
    pass(6_000);
    a = await ask(a);
  }
  expect(loads()).toBe(11);
});

test('other keys are other answers', async () => {
  const { ask } = world();
  expect([await ask(), await ask(undefined, 'b')]).toEqual([{ load: 1 }, { load: 2 }]);
});

test('a load that threw is not kept', async () => {
  const { answers, ask } = world();
  const how = { maxAgeMs: 10_000, taken: undefined };
  await expect(answers.ask('a', how, () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
  expect(await ask()).toEqual({ load: 1 });
});
