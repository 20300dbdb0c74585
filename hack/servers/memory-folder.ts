import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exists } from '../cache.ts';

const memory = '/dev/shm';
/** What a container has by default is 64 MiB. */
const enoughBytes = 4 * 2 ** 30;

/**
 * A new folder, in memory where the machine has room there, else with the temporary files. It is for what has many small files and is soon gone:
 * an ext4 without a journal looks at each inode that was deleted in the last minutes before it gives one away, and a thousand files cost 0.6 s of CPU there, in memory 0.08 s.
 */
export async function memoryFolder(name: string): Promise<string> {
  const room = await statfs(memory).catch(() => undefined);
  if (room === undefined || room.bavail * room.bsize < enoughBytes) return mkdtemp(join(tmpdir(), `genops-${name}-`));
  await removeOrphans();
  return mkdtemp(join(memory, `genops-${process.pid}-${name}-`));
}

/** Of processes that were killed: memory is not to be left to them. */
async function removeOrphans(): Promise<void> {
  for (const entry of await readdir(memory)) {
    const pid = /^genops-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && !(await exists(`/proc/${pid}`)))
      await rm(join(memory, entry), { recursive: true, force: true, maxRetries: 3 }); // another process may be at it
  }
}
