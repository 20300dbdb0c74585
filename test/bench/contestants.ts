import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Progress } from '../../hack/cluster/progress.ts';
import { bundle } from '../../hack/image/bundle.ts';
import { cached } from '../../hack/cache.ts';
import type { Contestant } from './operators.ts';

const run = promisify(execFile);

/** genops as it is shipped: a bundle, started with the image's flags. */
export async function genops(folder: string): Promise<Contestant> {
  const file = join(folder, 'genops.mjs');
  await writeFile(file, await bundle('operator/main.ts'));
  return {
    name: 'genops',
    binary: process.execPath,
    args: [
      '--optimize-for-size',
      '--max-semi-space-size=4',
      file,
      'manager',
      '--metrics-bind-address=127.0.0.1:0',
      '--log-level=info',
    ],
  };
}

/** The minimal operator of go-peer/. */
export async function goPeer(progress: Progress, signal: AbortSignal): Promise<Contestant> {
  return { name: 'go', binary: await goProgram('go-peer', progress, signal), args: [] };
}

/** The path of the program of a folder beside this file, built once for each state of its sources. */
export async function goProgram(name: string, progress: Progress, signal: AbortSignal): Promise<string> {
  const source = join(import.meta.dirname, name);
  const hash = createHash('sha256').update((await run('go', ['env', 'GOVERSION'], { cwd: source, signal })).stdout);
  for (const file of (await readdir(source)).toSorted()) hash.update(await readFile(join(source, file)));
  const folder = await cached(join('bin', `${name}-${hash.digest('hex').slice(0, 16)}`), (unfinished) =>
    progress.step(`building ${name} (once for this machine)`, async () => {
      const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', join(unfinished, name), '.'];
      await run('go', args, { cwd: source, signal });
    }),
  );
  return join(folder, name);
}
