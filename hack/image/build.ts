import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cached } from '../cache.ts';
import { writeImage, type Image, type ImageFile, type WrittenImage } from './archive.ts';

export interface BuiltImage extends WrittenImage {
  readonly name: string;
  /** A docker-archive in the cache. */
  readonly tarPath: string;
  /** False where the cache had it. */
  readonly isNew: boolean;
}

/** Earlier builds of one image that stay in the cache, for checkouts that take turns. */
const keptBuilds = 4;

/** The image's archive from the cache; written when a file of it, its configuration or the writer has changed. */
export async function buildImage(image: Image, signal: AbortSignal): Promise<BuiltImage> {
  const folderName = join('images', image.name.replaceAll(/[^\w.-]+/g, '-'), await inputHash(image, signal));
  let isNew = false;
  const folder = await cached(folderName, async (unfinished) => {
    const written = await writeImage(image, join(unfinished, 'image.tar'), signal);
    await writeFile(join(unfinished, 'image.json'), JSON.stringify(written));
    isNew = true;
  });
  await utimes(folder, new Date(), new Date());
  await prune(dirname(folder));
  const written = JSON.parse(await readFile(join(folder, 'image.json'), 'utf8')) as WrittenImage;
  return { ...written, name: image.name, tarPath: join(folder, 'image.tar'), isNew };
}

/** Of everything that ends up in the archive, and of the program that writes it. */
async function inputHash(image: Image, signal: AbortSignal): Promise<string> {
  const files = await Promise.all(
    image.files.map(async (file) => [file.path, file.mode ?? null, await contentHash(file, signal)] as const),
  );
  const writer = await readFile(join(import.meta.dirname, 'archive.ts'), 'utf8');
  const inputs = [writer, image.name, image.config, files.toSorted(([a], [b]) => (a < b ? -1 : 1))];
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16);
}

async function contentHash(file: ImageFile, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  if ('content' in file) hash.update(file.content);
  else if ('from' in file) await pipeline(createReadStream(file.from), hash, { signal });
  return hash.digest('hex');
}

async function prune(folder: string): Promise<void> {
  const builds = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      const stats = await stat(path).catch(() => undefined); // another build may be pruning as well
      return { path, usedMs: stats?.mtimeMs ?? 0 };
    }),
  );
  const old = builds.toSorted((a, b) => b.usedMs - a.usedMs).slice(keptBuilds);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}
