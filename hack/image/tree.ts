import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { layerEntries, layerName, type Image } from './archive.ts';

/** One entry of an image, as `main.ts tree` prints it. Two images of equal lines are the same files. */
export interface TreeEntry {
  /** Absolute; that of a folder ends in a slash. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file: SHA-256 of its contents. */
  readonly digest?: string;
}

export const treeLine = ({ path, mode, uid, gid, digest = '-' }: TreeEntry): string =>
  `${mode.toString(8).padStart(4, '0')} ${uid}:${gid} ${digest} ${path}`;

/** What is in the layer of an archive that writeImage() has written: sorted, since it is written so. */
export async function treeOf(tarPath: string, signal: AbortSignal): Promise<readonly TreeEntry[]> {
  const [archive, layer] = [extract(), extract()];
  const tree: TreeEntry[] = [];
  const readArchive = async (): Promise<void> => {
    for await (const entry of archive) {
      if (entry.header.name === layerName) await pipeline(entry, layer, { signal });
      else entry.resume();
    }
  };
  const readLayer = async (): Promise<void> => {
    for await (const entry of layer) {
      const { name, type, mode, uid, gid } = entry.header;
      const hash = createHash('sha256');
      for await (const chunk of entry) hash.update(chunk as Uint8Array);
      const path = `/${name.replace(/\/$/, '')}`;
      if (type === 'directory') tree.push({ path: `${path}/`, mode, uid, gid });
      else tree.push({ path, mode, uid, gid, digest: hash.digest('hex') });
    }
  };
  await Promise.all([pipeline(createReadStream(tarPath), archive, { signal }), readArchive(), readLayer()]);
  return tree;
}

/**
 * Writes the files of an image into a folder: what a Dockerfile copies from. They belong to whoever writes them, so the copy says whose they are.
 *
 * @throws {RangeError} where the folder has something in it: that would be in the image too.
 */
export async function stageImage(image: Image, folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0)
    throw new RangeError(`saw files in ${folder}; wanted an empty folder, or none; next: name another`);
  for (const entry of layerEntries(image.files)) {
    const path = join(folder, entry.path);
    if ('folder' in entry) await mkdir(path);
    else if ('from' in entry) await copyFile(entry.from, path);
    else await writeFile(path, entry.content, { signal });
    await chmod(path, entry.mode ?? ('folder' in entry ? 0o755 : 0o644)); // whatever the umask is
    signal.throwIfAborted();
  }
}
