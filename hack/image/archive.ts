import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack as newPack, type Pack } from 'tar-stream';

/** One entry of an image's only layer. `path` is absolute; the folders above it are made (0755, root). `from` is a file of this machine, read through symbolic links. */
export type ImageFile = { readonly path: string; readonly mode?: number } & (
  { readonly from: string } | { readonly content: string | Uint8Array } | { readonly folder: true }
);

interface ImageConfig {
  readonly entrypoint: readonly string[];
  /** `NAME=value` pairs. */
  readonly env?: Readonly<Record<string, string>>;
  /** `uid:gid`: numbers, because the kubelet proves `runAsNonRoot` by them. */
  readonly user?: string;
  readonly workingDir?: string;
  /** What ends it, where that is not SIGTERM. */
  readonly stopSignal?: string;
  /** TCP. */
  readonly exposedPorts?: readonly number[];
}

export interface Image {
  /** `repository:tag`, as a Pod names it (both readers complete it to `docker.io/library/…` as the kubelet does). */
  readonly name: string;
  readonly files: readonly ImageFile[];
  readonly config: ImageConfig;
}

export interface WrittenImage {
  /** `sha256:…` of the image's configuration, which names the layer's digest: what `docker images` and `crictl images` show as the image's id. */
  readonly digest: string;
  /** Of the archive, in bytes. */
  readonly sizeBytes: number;
}

/** Of its only layer in the archive. */
export const layerName = 'layer.tar';

/**
 * Writes an image as a docker-archive, which `ctr images import`, `kind load image-archive` and `docker load` take: no container engine is needed.
 *
 * The same files and configuration give the same bytes: entries are sorted, times are zero, everything belongs to root.
 * The archive appears under its name only when it is whole.
 */
export async function writeImage(image: Image, tarPath: string, signal: AbortSignal): Promise<WrittenImage> {
  const work = await mkdtemp(join(dirname(tarPath), '.image-'));
  try {
    const layerPath = join(work, 'layer.tar');
    const layer = await writeTar(layerEntries(image.files), layerPath, signal);
    const config = imageConfig(image.config, layer.digest);
    const archivePath = join(work, 'archive.tar');
    const manifest = [{ Config: 'config.json', RepoTags: [image.name], Layers: [layerName] }];
    const archive: readonly ImageFile[] = [
      { path: 'manifest.json', content: JSON.stringify(manifest) },
      { path: 'config.json', content: config },
      { path: layerName, from: layerPath },
    ];
    const { sizeBytes } = await writeTar(archive, archivePath, signal);
    await rename(archivePath, tarPath);
    return { digest: `sha256:${createHash('sha256').update(config).digest('hex')}`, sizeBytes };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The image's entries, without a leading slash: sorted, each folder before what is in it. Two files for one path are a mistake of the caller's. */
export function layerEntries(files: readonly ImageFile[]): readonly ImageFile[] {
  const entries = new Map<string, ImageFile>();
  for (const file of files) {
    const path = posix.normalize(file.path).replace(/^\/+|\/+$/g, '');
    if (entries.has(path)) throw new Error(`the image has two entries for /${path}`);
    entries.set(path, { ...file, path });
  }
  for (const path of entries.keys()) {
    const folder = posix.dirname(path);
    if (folder !== '.' && !entries.has(folder)) entries.set(folder, { path: folder, folder: true });
  }
  return [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The OCI image configuration; no creation time, so that equal contents are equal bytes. */
function imageConfig(config: ImageConfig, layerDigest: string): string {
  return JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      Entrypoint: config.entrypoint,
      Env: Object.entries(config.env ?? {}).map(([name, value]) => `${name}=${value}`),
      User: config.user ?? '',
      WorkingDir: config.workingDir ?? '/',
      ...(config.stopSignal !== undefined && { StopSignal: config.stopSignal }),
      ExposedPorts: Object.fromEntries((config.exposedPorts ?? []).map((port) => [`${port}/tcp`, {}])),
    },
    rootfs: { type: 'layers', diff_ids: [layerDigest] },
    history: [{ created_by: 'hack/image' }],
  });
}

async function writeTar(entries: readonly ImageFile[], path: string, signal: AbortSignal): Promise<WrittenImage> {
  const tar = newPack();
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(undefined, chunk);
    },
  });
  const written = pipeline(tar, counted, createWriteStream(path), { signal });
  const filled = fill(tar, entries, signal);
  // One that fails must end the other: a tar that nobody fills, or that nobody reads, would wait for ever.
  filled.catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  await Promise.all([filled, written]);
  return { digest: `sha256:${hash.digest('hex')}`, sizeBytes };
}

async function fill(tar: Pack, entries: readonly ImageFile[], signal: AbortSignal): Promise<void> {
  for (const entry of entries) {
    signal.throwIfAborted();
    const header = { name: entry.path, mtime: new Date(0), uid: 0, gid: 0, uname: 'root', gname: 'root' };
    if ('folder' in entry) tar.entry({ ...header, type: 'directory', mode: entry.mode ?? 0o755 });
    else if ('content' in entry) tar.entry({ ...header, mode: entry.mode ?? 0o644 }, Buffer.from(entry.content));
    else {
      const { size } = await stat(entry.from);
      await pipeline(createReadStream(entry.from), tar.entry({ ...header, mode: entry.mode ?? 0o644, size }), {
        signal,
      });
    }
  }
  tar.finalize();
}
