import { setTimeout as pause } from 'node:timers/promises';

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

async function explained(error: unknown, what: string, explain: Patience['explain']): Promise<Error> {
  const why = Error.isError(error) ? error.message : String(error);
  return new Error(`${what}: ${why}\n${(await explain?.()) ?? ''}`, { cause: error });
}
