import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exists } from '../cache.ts';

const setpriv = '/usr/bin/setpriv';
const readyWithinMs = 10_000;

export interface ServerProcessOptions {
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Output of every start is appended here. */
  readonly logFile: string;
  /** Whom it runs as; ours when absent. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** What it gets when we are killed; SIGTERM for one that must end its own children. Default SIGKILL. */
  readonly orphanSignal?: 'SIGKILL' | 'SIGTERM';
}

/** Starts a server that ends with us, even when we are killed with -9 (where util-linux has `setpriv`). */
export async function spawnServer({
  binary,
  args,
  cwd,
  env = {},
  logFile,
  user,
  orphanSignal = 'SIGKILL',
}: ServerProcessOptions): Promise<ChildProcess> {
  await using log = await open(logFile, 'a');
  const [command, ...rest] = (await exists(setpriv))
    ? [setpriv, '--pdeathsig', orphanSignal, binary, ...args]
    : [binary, ...args];
  const child = spawn(command ?? binary, rest, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', log.fd, log.fd],
    ...user,
  });
  await once(child, 'spawn');
  return child;
}

/**
 * Starts it and waits until `ready` resolves.
 *
 * @param options.ready Asks the server once; rejects as long as it does not answer.
 * @throws With the end of its log when it ends, or when it is not ready within 10 s.
 */
export async function launchServer({
  ready,
  ...options
}: ServerProcessOptions & { readonly ready: (signal: AbortSignal) => Promise<unknown> }): Promise<ChildProcess> {
  const child = await spawnServer(options);
  const deadline = AbortSignal.timeout(readyWithinMs);
  const answers = () =>
    ready(deadline).then(
      () => true,
      () => false,
    );
  try {
    while (!(await answers())) {
      if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
      await delay(10, undefined, { signal: deadline });
    }
    return child;
  } catch (error) {
    await stopServer(child, 0);
    const log = await readFile(options.logFile, 'utf8');
    throw new Error(`${basename(options.binary)} did not start: ${log.slice(-2000)}`, { cause: error });
  }
}

/** Ends it by its own pid: SIGTERM (or `signal`), and SIGKILL when it is still there after `graceMs`. */
export async function stopServer(
  child: ChildProcess,
  graceMs = 3000,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  child.kill('SIGCONT'); // a stopped process would not see SIGTERM
  const grace = new AbortController();
  const killer = delay(graceMs, undefined, { signal: grace.signal }).then(
    () => child.kill('SIGKILL'),
    () => false,
  );
  await ended;
  grace.abort();
  await killer;
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
