import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

export interface Patience {
  /** Default 30 s. */
  readonly withinMs?: number;
  /** Said when it did not come true: what there was instead. */
  readonly explain?: () => Promise<string>;
}

const everyMs = 100;

/** Runs `check` until it passes; its last failure is thrown, with an explanation, when it has not passed in time. Waits for a state, never for a time. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs = 30_000, explain }: Patience = {},
): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until)
        throw await explained(error, `did not come true within ${withinMs / 1000} s`, explain);
    }
    await pause(everyMs);
  }
}

/** Runs `check` again and again for a while: it must pass every time. */
export async function consistently(
  check: () => unknown,
  { forMs, explain }: { readonly forMs: number; readonly explain?: () => Promise<string> },
): Promise<void> {
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    try {
      await check();
    } catch (error) {
      throw await explained(error, `did not stay true for ${forMs / 1000} s`, explain);
    }
    await pause(everyMs);
  }
}

const restMs = 2_000;

/** What `read` gives once it has given the same for two seconds: for what comes to rest and does not say so. */
export async function settled<T>(read: () => Promise<T>, patience?: Patience): Promise<T> {
  let [seen, since] = [await read(), performance.now()];
  return eventually(async () => {
    const now = await read();
    if (!isDeepStrictEqual(now, seen)) [seen, since] = [now, performance.now()];
    if (performance.now() - since < restMs) throw new Error(`it was ${JSON.stringify(seen)} for a moment only`);
    return seen;
  }, patience);
}

async function explained(error: unknown, what: string, explain: Patience['explain']): Promise<Error> {
  const why = Error.isError(error) ? error.message : String(error);
  return new Error(`${what}: ${why}\n${(await explain?.()) ?? ''}`, { cause: error });
}
