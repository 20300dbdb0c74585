import type { Image } from './archive.ts';
import { nonroot } from './base.ts';
import { bundleWithPackages } from './bundle.ts';
import { nodeBase, nodeCommand } from './node-base.ts';
import { sbom } from './sbom.ts';

/** The operator: arguments of the container are the command line of `genops`. Needs no writable file system. */
export async function operatorImage(signal: AbortSignal): Promise<Image> {
  const { base, contents, packages } = await parts(signal);
  return {
    name: 'genops:dev',
    files: [
      ...base,
      { path: '/app/genops.mjs', content: contents },
      // by the end of its name a scanner of images knows it
      { path: '/app/genops.cdx.json', content: await sbom(packages, base, signal) },
    ],
    config: {
      entrypoint: [...nodeCommand, '/app/genops.mjs'],
      env: { NODE_ENV: 'production' },
      user: nonroot,
      workingDir: '/app',
    },
  };
}

/** The same as in the image. */
export async function sbomOf(signal: AbortSignal): Promise<string> {
  const { base, packages } = await parts(signal);
  return sbom(packages, base, signal);
}

async function parts(signal: AbortSignal) {
  return { base: await nodeBase(signal), ...(await bundleWithPackages('operator/main.ts')) };
}
