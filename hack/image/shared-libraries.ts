import { execFile } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ImageFile } from './archive.ts';

const run = promisify(execFile);

/**
 * The loader and the shared libraries that a program of this machine needs, as files of an image.
 *
 * They keep their paths; those of `libraryPath` go beside libc, where the loader looks without being told.
 *
 * @param libraryPath Folder that is searched first, as in LD_LIBRARY_PATH.
 * @throws When `ldd` is not there (no glibc Linux) or a library is missing; the error names it.
 */
export async function sharedLibraries(
  binary: string,
  libraryPath: string | undefined,
  signal: AbortSignal,
): Promise<readonly ImageFile[]> {
  const env = { ...process.env, ...(libraryPath === undefined ? {} : { LD_LIBRARY_PATH: libraryPath }) };
  const { stdout } = await run('ldd', [binary], { env, signal });
  const missing = /^\s*(\S+) => not found/m.exec(stdout)?.[1];
  if (missing !== undefined) throw new Error(`${binary} needs ${missing}, which this machine does not have`);
  const paths = [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = '']) => path);
  const libc = paths.find((path) => basename(path).startsWith('libc.so'));
  if (libc === undefined) throw new Error(`ldd ${binary} names no libc: ${stdout.trim()}`);
  return paths.map((from) => {
    const isOurs = libraryPath !== undefined && libraryPath !== '' && from.startsWith(libraryPath);
    return { path: isOurs ? join(dirname(libc), basename(from)) : from, from, mode: 0o755 };
  });
}
