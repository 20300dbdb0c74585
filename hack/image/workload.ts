import type { Image } from './archive.ts';
import { nonroot } from './base.ts';
import { bundle } from './bundle.ts';
import { nodeBase, nodeCommand } from './node-base.ts';

/** The reference generation service of test/workload/service. */
export async function workloadImage(signal: AbortSignal): Promise<Image> {
  return {
    name: 'genops-workload:dev',
    files: [
      ...(await nodeBase(signal)),
      { path: '/app/service.mjs', content: await bundle('test/workload/service/main.ts') },
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
