import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Takes the lock `name` of this machine, or says that another process has it.
 *
 * It is a socket in Linux' abstract name space: the kernel gives it to one process, and takes it back when that process ends, however it ends.
 */
export async function tryLock(name: string): Promise<AsyncDisposable | undefined> {
  if (process.platform !== 'linux') return { [Symbol.asyncDispose]: async () => undefined }; // what is locked here costs time at worst
  const server = createServer().listen(`\0genops-${name}`);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'EADDRINUSE') return undefined;
    throw error;
  }
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Runs `work` with the lock `name`; calls `onWait` once where another process has it. */
export async function withLock<T>(
  { name, onWait }: { readonly name: string; readonly onWait: () => void },
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let held = await tryLock(name);
  if (held === undefined) onWait();
  while (held === undefined) {
    await delay(200, undefined, { signal });
    held = await tryLock(name);
  }
  try {
    return await work();
  } finally {
    await held[Symbol.asyncDispose]();
  }
}
