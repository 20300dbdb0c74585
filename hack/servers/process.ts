import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { exists } from '../cache.ts';

const setpriv = '/usr/bin/setpriv';

export interface ServerProcessOptions {
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Output of every start is appended here. */
  readonly logFile: string;
}

/** Starts a server that ends with us, even when we are killed with -9 (where util-linux has `setpriv`). */
export async function spawnServer({
  binary,
  args,
  cwd,
  env = {},
  logFile,
}: ServerProcessOptions): Promise<ChildProcess> {
  await using log = await open(logFile, 'a');
  const [command, ...rest] = (await exists(setpriv))
    ? [setpriv, '--pdeathsig', 'SIGKILL', binary, ...args]
    : [binary, ...args];
  const child = spawn(command ?? binary, rest, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', log.fd, log.fd],
  });
  await once(child, 'spawn');
  return child;
}

/** Ends it by its own pid: SIGTERM, and SIGKILL when it is still there after `graceMs`. */
export async function stopServer(child: ChildProcess, graceMs = 3000): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
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
