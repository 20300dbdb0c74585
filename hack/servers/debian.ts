import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../cache.ts';

const run = promisify(execFile);

/**
 * Unpacks Debian packages of the machine's own release into the cache, without root and without installing anything.
 *
 * @param name The cache folder's name: change it when the list changes.
 * @param packages Names as apt knows them; nothing is resolved, so libraries are named too.
 * @returns The folder that plays `/`: programs in `usr/bin`, libraries in `usr/lib/x86_64-linux-gnu`.
 */
export async function debianPackages(name: string, packages: readonly string[]): Promise<string> {
  const folder = await cached(join('debian', name), async (unfinished) => {
    process.stderr.write(`Fetching ${name} from Debian\n`);
    const apt = join(unfinished, 'apt');
    const options = [
      `Dir::State=${join(apt, 'state')}`,
      `Dir::State::Lists=${join(apt, 'lists')}`,
      `Dir::Cache=${join(apt, 'cache')}`,
      'APT::Sandbox::User=', // as root apt would drop to a user that may not write below our folder
    ].flatMap((option) => ['-o', option]);
    await Promise.all(
      ['lists/partial', 'state', 'cache/archives/partial', 'debs'].map((path) =>
        mkdir(join(apt, path), { recursive: true }),
      ),
    );
    await run('apt-get', [...options, '-qq', 'update']);
    await run('apt-get', [...options, '-qq', 'download', ...packages], { cwd: join(apt, 'debs') });
    for (const file of await readdir(join(apt, 'debs')))
      await run('dpkg', ['-x', join(apt, 'debs', file), join(unfinished, 'root')]);
    await run('rm', ['-rf', apt]);
  });
  return join(folder, 'root');
}
