import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Nothing is released yet, so this is what somebody could have installed: the last commit whose CHANGELOG has no optimizer. A release's tag takes its place. */
const commit = '2f6c98f1dd35e4fe11c3bf966b1c5411ca7ec06e';

/** The checkout of an earlier version, with the packages of today; gone at the end. */
export interface EarlierVersion extends AsyncDisposable {
  readonly folder: string;
  /** Builds its operator by its own scripts, as `genops:earlier`: the tag of today's would be in the way of other tests. Resolves to the archive. */
  buildImage(): Promise<string>;
}

/** @throws Error where this clone does not go back so far. */
export async function earlierVersion(): Promise<EarlierVersion> {
  const parent = await mkdtemp(join(tmpdir(), 'genops-earlier-'));
  const folder = join(parent, 'checkout');
  const dispose = (): Promise<void> => rm(parent, { recursive: true });
  try {
    await unpack(join(parent, 'files.tar'), folder);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { folder, buildImage: () => buildImage(folder), [Symbol.asyncDispose]: dispose };
}

/** A checkout in a container is often somebody else's. */
const git = (...args: readonly string[]) => run('git', ['-c', 'safe.directory=*', ...args]);

async function unpack(archive: string, folder: string): Promise<void> {
  try {
    await git('archive', `--output=${archive}`, commit).catch(async () => {
      await git('fetch', '--quiet', '--depth=1', 'origin', commit); // a clone without history
      await git('archive', `--output=${archive}`, commit);
    });
  } catch (cause) {
    const saw = `saw no commit ${commit.slice(0, 7)} in this clone`;
    throw new Error(`${saw}; wanted an earlier version to upgrade from; next: git fetch --unshallow`, { cause });
  }
  await mkdir(folder);
  await run('tar', ['-xf', archive, '-C', folder]);
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
}

async function buildImage(folder: string): Promise<string> {
  const file = join(folder, 'hack/image/operator.ts');
  await writeFile(file, (await readFile(file, 'utf8')).replace("'genops:dev'", "'genops:earlier'"));
  const { stdout } = await run(process.execPath, ['hack/image/main.ts', 'build', 'operator'], { cwd: folder });
  const archive = /^ +(\/.*) \(.*MB/m.exec(stdout)?.[1];
  if (archive === undefined || !stdout.includes('genops:earlier')) throw new Error(`it built no image:\n${stdout}`);
  return archive;
}
