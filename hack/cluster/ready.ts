import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

/** Asks `probe` until it says true. A probe that throws says "not yet"; its last complaint is in the error of the time-out. */
export async function waitUntil(
  what: string,
  probe: (signal: AbortSignal) => Promise<boolean>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, deadline]);
  let complaint: unknown;
  while (!deadline.aborted) {
    signal.throwIfAborted();
    try {
      if (await probe(either)) return;
    } catch (error) {
      if (error instanceof GaveUp) throw error.cause;
      complaint = error;
    }
    await delay(100, undefined, { signal: either }).catch(() => undefined);
  }
  signal.throwIfAborted();
  throw new Error(`${what}: not after ${timeoutMs / 1000} s`, { cause: complaint });
}

/** Thrown by a probe that knows that waiting is in vain: its cause goes to the caller at once. */
export class GaveUp extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'GaveUp';
  }
}

/** Whether the API server at `url` says that it is ready. Throws where there is no connection. */
export async function isServerReady(url: string, authorityPath: string, signal: AbortSignal): Promise<boolean> {
  const ca = await readFile(authorityPath);
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/readyz`, { ca, agent: false, signal, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 2 s')));
    asked.on('error', reject);
    asked.end();
  });
}
