import { readdir, readFile } from 'node:fs/promises';

export interface Worker {
  readonly pid: number;
  /** It accepts no more connections and ends when its last request has. */
  readonly isDraining: boolean;
}

/** The worker processes of an nginx, by what their titles say. */
export async function workersOf(masterPid: number): Promise<readonly Worker[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const found = await Promise.all(pids.map((pid) => workerOf(pid, masterPid)));
  return found.flatMap((worker) => worker ?? []);
}

async function workerOf(pid: string, masterPid: number): Promise<Worker | undefined> {
  const stat = await contentOf(`/proc/${pid}/stat`);
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  if (parent !== masterPid) return undefined;
  const title = await contentOf(`/proc/${pid}/cmdline`);
  if (!title.startsWith('nginx: worker process')) return undefined; // one that only looks after the cache
  return { pid: Number(pid), isDraining: title.includes('shutting down') };
}

/** Empty: it has ended meanwhile. */
const contentOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
