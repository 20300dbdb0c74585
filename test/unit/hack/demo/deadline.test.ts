import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { silent } from '../../../../hack/cluster/progress.ts';
import { boundedBy } from '../../../../hack/demo/deadline.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const { signal: nobody } = new AbortController();
const inWords = ({ reason }: AbortSignal): string => (reason as Error).message;

test('a demo that does not end is ended, and says which step it was at', async () => {
  using bounded = boundedBy(300, { progress: silent, signal: nobody });
  await bounded.progress.step('operator installed', () => Promise.resolve());
  const forever = new Promise<void>(() => undefined);
  void bounded.progress.step('the service at work', () => forever);
  jest.advanceTimersByTime(299_999);
  expect(bounded.signal.aborted).toBe(false);
  jest.advanceTimersByTime(1);
  expect(inWords(bounded.signal)).toBe(
    'saw “the service at work” under way after 300 s; wanted the demo to be at its end by then',
  );
});

test('what is no step is named too', () => {
  using bounded = boundedBy(300, { progress: silent, signal: nobody });
  bounded.enter('load');
  jest.advanceTimersByTime(300_000);
  expect(inWords(bounded.signal)).toContain('saw “load” under way');
});

test('Ctrl-C ends it at once, with its own reason', () => {
  const person = new AbortController();
  using bounded = boundedBy(300, { progress: silent, signal: person.signal });
  person.abort(new Error('SIGINT: stopped'));
  expect(inWords(bounded.signal)).toBe('SIGINT: stopped');
});

test('nothing is left of it afterwards', () => {
  {
    using bounded = boundedBy(300, { progress: silent, signal: nobody });
    expect(bounded.signal.aborted).toBe(false);
  }
  expect(jest.getTimerCount()).toBe(0);
});
