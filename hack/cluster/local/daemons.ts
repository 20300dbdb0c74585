import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * Set in the environment of every program of a cluster, and by it in what they start themselves. It is how they are found again:
 * no list of pids can be out of date, and a pid that was given to another program is never taken for ours.
 */
const mark = 'GENOPS_CLUSTER';

export interface Daemon {
  /** Also the name of its log, `<name>.log` in the cluster's folder. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** Starts a program that outlives this process. */
export async function startDaemon(folder: string, { name, command, env }: Daemon): Promise<number> {
  await using log = await open(join(folder, `${name}.log`), 'a');
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    env: { ...env, [mark]: folder },
    stdio: ['ignore', log.fd, log.fd],
  });
  await once(child, 'spawn');
  child.unref();
  if (child.pid === undefined) throw new Error(`${name} has no process id`);
  return child.pid;
}

export interface MarkedProcess {
  readonly pid: number;
  /** The base name of its first argument. */
  readonly program: string;
}

/** What runs with the mark of `folder`. A process that has ended but was not yet collected by its parent has no environment, so it does not count. */
export async function markedProcesses(folder: string): Promise<readonly MarkedProcess[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (!(await isMarked(pid, folder))) return [];
      const [program = ''] = (await readProc(pid, 'cmdline')).split('\0');
      return [{ pid, program: basename(program) }];
    }),
  );
  return found.flat();
}

async function isMarked(pid: number, folder: string): Promise<boolean> {
  return (await readProc(pid, 'environ')).split('\0').includes(`${mark}=${folder}`);
}

/** Empty for a process that is gone or not ours to read. */
async function readProc(pid: number, file: 'environ' | 'cmdline'): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
}
