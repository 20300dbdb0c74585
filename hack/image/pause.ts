import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeImage, type WrittenImage } from './archive.ts';

const run = promisify(execFile);

/** For containerd's `pinned_images.sandbox`, as containerd names it after the import. */
export const pauseImageName = 'docker.io/library/genops-pause:dev';

/** Writes the sandbox image: a static Go program that waits. */
export async function pauseImage(tarPath: string, signal: AbortSignal): Promise<WrittenImage> {
  const work = await mkdtemp(join(tmpdir(), 'genops-pause-'));
  try {
    const binary = join(work, 'pause');
    // -buildid= and -trimpath: the same program wherever it is built
    await run('go', ['build', '-trimpath', '-ldflags', '-s -w -buildid=', '-o', binary, 'main.go'], {
      cwd: join(import.meta.dirname, 'pause'),
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
      signal,
    });
    const files = [{ path: '/pause', from: binary, mode: 0o755 }];
    const config = { entrypoint: ['/pause'], user: '65535:65535' };
    return await writeImage({ name: pauseImageName, files, config }, tarPath, signal);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
