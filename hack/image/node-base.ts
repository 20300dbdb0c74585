import { join } from 'node:path';
import type { ImageFile } from './archive.ts';
import { baseFiles } from './base.ts';
import { sharedLibraries } from './shared-libraries.ts';

const binary = join(import.meta.dirname, '../../node_modules/node/bin/node');

/** Node with a small heap: with 10 000 Pods in the cache 107 MB instead of 254, for 10 % more CPU (measured; docs/performance.md). */
export const nodeCommand = ['/usr/bin/node', '--optimize-for-size', '--max-semi-space-size=4'] as const;

/** The Node that the lock file pins, with the libraries it needs. */
export async function nodeBase(signal: AbortSignal): Promise<readonly ImageFile[]> {
  return [
    ...baseFiles(),
    { path: nodeCommand[0], from: binary, mode: 0o755 },
    ...(await sharedLibraries(binary, undefined, signal)),
  ];
}
