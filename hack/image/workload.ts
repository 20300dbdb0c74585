import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image, ImageFile } from './archive.ts';
import { nonroot } from './base.ts';
import { bundle } from './bundle.ts';
import { nodeBase, nodeCommand } from './node-base.ts';

/** The reference generation service of test/workload/service. What a thread of its CPU pool loads are files: its own, and one of piscina, which is therefore in no bundle. */
export async function workloadImage(signal: AbortSignal): Promise<Image> {
  return {
    name: 'genops-workload:dev',
    files: [
      ...(await nodeBase(signal)),
      { path: '/app/service.mjs', content: await bundle('test/workload/service/main.ts', ['piscina']) },
      { path: '/app/cpu-thread.mjs', content: await bundle('test/workload/service/cpu-thread.ts') },
      ...(await programFiles('piscina')),
    ],
    config: {
      entrypoint: [...nodeCommand, '/app/service.mjs'],
      env: { NODE_ENV: 'production' },
      user: nonroot,
      workingDir: '/app',
      exposedPorts: [8080, 9090],
    },
  };
}

/** Of a package that needs no other: what Node reads when it runs. */
async function programFiles(name: string): Promise<readonly ImageFile[]> {
  const folder = join(import.meta.dirname, '../../node_modules', name);
  const all = await readdir(folder, { recursive: true });
  const wanted = all.filter((path) => path === 'package.json' || /^dist\/.*\.m?js$/.test(path));
  return wanted.map((path) => ({ path: join('/app/node_modules', name, path), from: join(folder, path) }));
}
