import { readFile } from 'node:fs/promises';

/** A process, told by its start from a later one that was given the same pid. */
export interface Keeper {
  readonly pid: number;
  readonly startTicks: number;
}

export async function thisProcess(): Promise<Keeper> {
  const startTicks = await startTicksOf(process.pid);
  if (startTicks === undefined) throw new Error(`saw no /proc/${process.pid}/stat; wanted the start of this process`);
  return { pid: process.pid, startTicks };
}

export async function isGone({ pid, startTicks }: Keeper): Promise<boolean> {
  return (await startTicksOf(pid)) !== startTicks;
}

/** When it began, in ticks since the machine's start. Undefined for one that has ended, also where nobody has collected it yet. */
export async function startTicksOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [state = 'X', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // before it is the program's name, which may have spaces and brackets
  return stat === '' || /[ZX]/.test(state) ? undefined : Number(rest[18]); // field 22 of proc_pid_stat(5); the state is field 3
}
