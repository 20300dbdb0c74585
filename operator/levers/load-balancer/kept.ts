import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkLoadBalancerSettings } from '../../api/check-load-balancer-settings.ts';
import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import type { ServersByUpstream } from './upstreams.ts';

/** What was served last, for a start without an API server. */
export interface Kept {
  readonly settings: LoadBalancerSettings;
  readonly servers: ServersByUpstream;
}

const fileIn = (folder: string): string => join(folder, 'kept.json');

export async function keep(folder: string, kept: Kept): Promise<void> {
  const unfinished = `${fileIn(folder)}.next`;
  await writeFile(unfinished, JSON.stringify(kept));
  await rename(unfinished, fileIn(folder));
}

/** Undefined: nothing is there, or what an agent of another version has written. */
export async function readKept(folder: string): Promise<Kept | undefined> {
  try {
    const { settings, servers } = JSON.parse(await readFile(fileIn(folder), 'utf8')) as Kept;
    const checked = checkLoadBalancerSettings(JSON.stringify(settings));
    return checked.kind === 'valid' ? { settings: checked.settings, servers } : undefined;
  } catch (error) {
    if (Error.isError(error) && (error.name === 'SyntaxError' || ('code' in error && error.code === 'ENOENT')))
      return undefined;
    throw error;
  }
}
