import type { Image } from './archive.ts';
import { nonroot } from './base.ts';
import { bundle } from './bundle.ts';
import { nodeBase, nodeCommand } from './node-base.ts';

/** The operator: arguments of the container are the command line of `genops`. Needs no writable file system. */
export async function operatorImage(signal: AbortSignal): Promise<Image> {
  return {
    name: 'genops:dev',
    files: [...(await nodeBase(signal)), { path: '/app/genops.mjs', content: await bundle('operator/main.ts') }],
    config: {
      entrypoint: [...nodeCommand, '/app/genops.mjs'],
      env: { NODE_ENV: 'production' },
      user: nonroot,
      workingDir: '/app',
    },
  };
}
