import { constants } from 'node:fs';
import { access, mkdir, rm, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Progress } from './progress.ts';
import { kubernetesPrograms } from './tools.ts';

const wanted = ['kubectl', 'helm'] as const;

/**
 * A folder with kubectl and helm for a cluster that we do not run ourselves: links in `folder` to those of the PATH.
 * Where one is missing, our own are built, which takes minutes the first time.
 */
export async function clientPrograms(folder: string, progress: Progress, signal: AbortSignal): Promise<string> {
  const found = await Promise.all(wanted.map(async (name) => [name, await findOnPath(name)] as const));
  const binDir = join(folder, 'bin');
  await mkdir(binDir, { recursive: true });
  for (const [name, path] of found) {
    if (path === undefined) return kubernetesPrograms(progress, signal);
    await rm(join(binDir, name), { force: true });
    await symlink(path, join(binDir, name));
  }
  return binDir;
}

/** The first executable `program` of the PATH. */
export async function findOnPath(program: string, path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((entry) => entry !== '')) {
    const candidate = join(folder, program);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
