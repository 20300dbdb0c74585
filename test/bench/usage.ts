import { readFile, writeFile } from 'node:fs/promises';

/** Linux counts CPU time in hundredths of a second (USER_HZ), on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** Seconds of CPU that a process has used, all threads; 0 once it is gone. */
export const cpuSeconds = (pid: number): Promise<number> => secondsIn(pid, 11);

/** Seconds of CPU of those that this process started and that have ended, and of those that they started and waited for. */
export const endedSeconds = (): Promise<number> => secondsIn(process.pid, 13);

/** Of user and system, which stand side by side: the first at `field`, counted from the state. */
async function secondsIn(pid: number, field: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
  return (Number(fields[field] ?? 0) + Number(fields[field + 1] ?? 0)) / ticksPerSecond;
}

/** Seconds of CPU that the whole machine has used, stolen time included. */
export async function machineSeconds(): Promise<number> {
  const [all = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = all.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / ticksPerSecond;
}

/** VmHWM begins anew. */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** The most memory that a process has had resident since its start or the last reset. */
export async function peakBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
}
