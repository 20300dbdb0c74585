import { registerHooks } from 'node:module';
import { ModernFakeTimers } from '@jest/fake-timers';
import { addEventHandler } from 'jest-circus';

/**
 * What unit tests import as `@jest/globals`: Jest's own answers only inside its virtual machines, and unit tests are ordinary modules (decision 0108).
 * Adds what their runner leaves out: a limit for each test and hook, and all of Jest's fake timers.
 */
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@jest/globals' ? { url: import.meta.url, shortCircuit: true } : next(specifier, context),
});

const limit = 60_000; // ms
const { clearTimeout, setTimeout } = globalThis; // not those of a test's clock

async function inTime(name, run, within) {
  const { promise: late, reject } = Promise.withResolvers();
  const timer = setTimeout(reject, within, new Error(`${name} took longer than ${within} ms`));
  try {
    await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}

addEventHandler(({ name }, { currentDescribeBlock: { children, hooks } }) => {
  if (name !== 'add_test' && name !== 'add_hook') return;
  const added = (name === 'add_test' ? children : hooks).at(-1);
  const { fn, timeout = limit } = added;
  added.fn = () => inTime(added.name ?? added.type, fn, timeout);
});

const timers = new ModernFakeTimers({ global: globalThis, config: { fakeTimers: {} } });

export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } = globalThis;
export const jest = {
  spyOn: globalThis.jest.spyOn,
  useFakeTimers: (config) => timers.useFakeTimers(config),
  useRealTimers: () => timers.useRealTimers(),
  advanceTimersByTime: (ms) => timers.advanceTimersByTime(ms),
  advanceTimersByTimeAsync: (ms) => timers.advanceTimersByTimeAsync(ms),
  getTimerCount: () => timers.getTimerCount(),
};
