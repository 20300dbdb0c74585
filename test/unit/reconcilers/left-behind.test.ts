import { beforeEach, describe, expect, test } from '@jest/globals';
import { awaitChange, requeueAfter } from '../../../operator/kube/loop.ts';
import { createLeftBehind } from '../../../operator/reconcilers/left-behind.ts';
import type { AnyLever } from '../../../operator/levers/run.ts';

const signal = new AbortController().signal;
const minute = 60_000;
const day = 86_400_000;

describe('what is left of a service that is gone', () => {
  let now: number;
  let there: readonly string[];
  let tries: number;
  let said: (readonly [message: string, left: unknown])[];
  let left: ReturnType<typeof createLeftBehind>;
  const end = () => left.end('ai/generation', signal);
  /** As the loop does, until the time is over. */
  const endUntil = async (atMs: number): Promise<void> => {
    for (let next = await end(); next.action === 'requeueAfter' && now + next.delayMs <= atMs; next = await end())
      now += next.delayMs;
  };
  beforeEach(() => {
    now = 0;
    there = ['index a'];
    tries = 0;
    said = [];
    const quiet = () => undefined;
    const warn = (message: string, fields: object = {}) => said.push([message, Reflect.get(fields, 'left')]);
    const forget = (_: string, { isLast }: { readonly isLast: boolean }) => {
      tries++;
      return Promise.resolve(there.map((one) => (isLast ? `${one}, left to you` : one)));
    };
    left = createLeftBehind({
      levers: [{ name: 'postgresql-indexes', forget } as unknown as AnyLever],
      logger: { debug: quiet, info: quiet, warn, error: quiet },
      clock: { now: () => now },
    });
  });

  test('is tried again after 15 s, then twice as late each time, an hour at most', async () => {
    const waits: unknown[] = [];
    for (const at of [0, 15_000, 30_000, 60_000, 120_000, 45 * minute, 61 * minute, 600 * minute]) {
      now = at;
      waits.push(await end());
    }
    const minutes = [0.25, 0.25, 0.5, 1, 2, 45, 60, 60];
    expect(waits).toEqual(minutes.map((wait) => requeueAfter(wait * minute)));
  });

  test('is said once, and again where it is another', async () => {
    await endUntil(minute);
    expect(said).toEqual([['left of a service that is gone', ['index a']]]);
    there = ['index b'];
    await endUntil(2 * minute);
    expect(said.slice(1)).toEqual([['left of a service that is gone', ['index b']]]);
  });

  test('is given up after a day, and that is said', async () => {
    await endUntil(day);
    expect(tries).toBeLessThan(40);
    now = day;
    expect(await end()).toEqual(awaitChange);
    expect(said.slice(1)).toEqual([['left of a service that is gone, and given up', ['index a, left to you']]]);
  });

  test('begins anew once it was gone, or its service is there again', async () => {
    await end();
    there = [];
    expect(await end()).toEqual(awaitChange);
    there = ['index a'];
    now = day;
    expect(await end()).toEqual(requeueAfter(15_000));
    left.forget('ai/generation');
    now = 2 * day;
    expect(await end()).toEqual(requeueAfter(15_000));
    expect(said.map(([message]) => message)).toEqual(Array(3).fill('left of a service that is gone'));
  });
});
