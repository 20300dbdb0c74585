import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchedProgram } from '../servers/postgres-binary.ts';
import type { Image, ImageFile } from './archive.ts';
import { baseFiles, nonroot } from './base.ts';
import { sharedLibraries } from './shared-libraries.ts';

/** Programs find `lib` and `share` from where they lie. */
const home = '/usr/lib/postgresql';
const shell = '/bin/sh';
/** Lets in who knows the password, from wherever: initdb's own file lets in nobody but the machine itself. */
const hbaFile = '/etc/postgresql/pg_hba.conf';

/** PostgreSQL 18 with initdb, which needs a shell. `/data` is meant for a volume; arguments of the container are those of postgres. */
export async function postgresImage(signal: AbortSignal): Promise<Image> {
  const program = await fetchedProgram('18');
  const binaries = ['postgres', 'initdb'].map((name) => join(program, 'bin', name));
  const libraries = await Promise.all(
    [...binaries, shell].map((binary) => sharedLibraries(binary, join(program, 'lib'), signal)),
  );
  const files = [
    ...baseFiles(),
    ...libraries.flat(),
    ...(await filesIn(program, 'share')),
    ...(await filesIn(program, 'lib/postgresql')),
  ];
  return {
    name: 'genops-postgres:dev',
    files: [
      ...new Map(files.map((file) => [file.path, file])).values(),
      ...['postgres', 'initdb'].map((name) => ({
        path: join(home, 'bin', name),
        from: join(program, 'bin', name),
        mode: 0o755,
      })),
      { path: shell, from: shell, mode: 0o755 },
      { path: hbaFile, content: 'host all all all scram-sha-256\n' },
      { path: '/data', folder: true, mode: 0o1777 },
    ],
    config: {
      entrypoint: [join(home, 'bin/postgres')],
      env: { LC_ALL: 'C' },
      user: nonroot,
      workingDir: '/data',
      stopSignal: 'SIGINT', // at SIGTERM it waits until every client has left
      exposedPorts: [5432],
    },
  };
}

async function filesIn(program: string, folder: string): Promise<readonly ImageFile[]> {
  const entries = await readdir(join(program, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((from) => ({ path: join(home, from.slice(program.length)), from }));
}
