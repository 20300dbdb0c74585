import { createHash } from 'node:crypto';
import { readFile, watch } from 'node:fs/promises';
import { join } from 'node:path';

/** A word for the certificate and key of a folder that changes when either does; undefined where one is missing. */
export async function certificateOf(folder: string): Promise<string | undefined> {
  try {
    const files = await Promise.all(['tls.crt', 'tls.key'].map((name) => readFile(join(folder, name))));
    return files.reduce((hash, file) => hash.update(file), createHash('sha256')).digest('hex');
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Tells of each change in the folder: the kubelet puts all of a Secret's new files there at once. Ends where there is no such folder, or nobody tells of it: it is looked at now and then all the same. */
export async function followCertificate(folder: string, onChange: () => void, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of watch(folder, { signal })) onChange();
  } catch (error) {
    if (!Error.isError(error) || (error.name !== 'AbortError' && !('code' in error))) throw error;
  }
}
