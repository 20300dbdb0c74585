import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { newestNginx } from '../servers/nginx.ts';
import type { Image, ImageFile } from './archive.ts';
import { nonroot } from './base.ts';
import { bundle } from './bundle.ts';
import { nodeBase, nodeCommand } from './node-base.ts';
import { sharedLibraries } from './shared-libraries.ts';

/** nginx and the agent that runs it: arguments of the container are the command line of `genops`. Needs a folder to write to, /run/genops, and no other. */
export async function nginxImage(signal: AbortSignal): Promise<Image> {
  const { binary, env, moduleFolder } = await newestNginx();
  const modules = moduleFolder === undefined ? [] : await modulesIn(moduleFolder);
  const programs = moduleFolder === undefined ? [] : [binary, ...modules.map(({ from }) => from)]; // the other one is static
  const libraries = await Promise.all(programs.map((file) => sharedLibraries(file, env['LD_LIBRARY_PATH'], signal)));
  const files = [...(await nodeBase(signal)), ...libraries.flat()];
  return {
    name: 'genops-nginx:dev',
    files: [
      ...new Map(files.map((file) => [file.path, file])).values(),
      { path: '/usr/sbin/nginx', from: binary, mode: 0o755 },
      ...modules,
      { path: '/app/genops.mjs', content: await bundle('operator/main.ts') },
    ],
    config: {
      entrypoint: [...nodeCommand, '/app/genops.mjs'],
      env: { NODE_ENV: 'production', PATH: '/usr/sbin:/usr/bin' },
      user: nonroot,
      workingDir: '/app',
      exposedPorts: [8080, 8443, 8089],
    },
  };
}

async function modulesIn(folder: string): Promise<readonly (ImageFile & { readonly from: string })[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.so'));
  return names.map((name) => ({ path: `/usr/lib/nginx/modules/${name}`, from: join(folder, name), mode: 0o755 }));
}
