import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where fetched programs live: outside the checkout, so that two checkouts share them and `git clean` costs nothing. */
export function cacheFolder(): string {
  const { GENOPS_CACHE, XDG_CACHE_HOME } = process.env;
  return GENOPS_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'genops');
}

/**
 * The folder `name` of the cache, filled by `fill` when it is not there.
 *
 * It appears whole or not at all: it is filled under a temporary name and renamed. Of two processes that fill it at once, the first to finish wins and the other uses its result.
 */
export async function cached(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (await exists(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const unfinished = await mkdtemp(`${folder}.unfinished-`);
  try {
    await fill(unfinished);
    await rename(unfinished, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/** Whether something is at `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
